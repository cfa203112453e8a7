"""Corrections of stored samples, and the samples as they were before."""

from cloud_api.storage.migrate import run_file

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0006_keep_corrections.sql")
