"""Corrections of stored samples, and the samples as they were before."""

from cloud_api.storage.migrate import run_file

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0005_keep_corrections.sql")
