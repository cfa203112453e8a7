"""Shares with other companies: tables, the views that they are read through, and their role."""

from cloud_api.storage.migrate import run_file

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0018_share_data.sql")
