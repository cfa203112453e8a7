"""Dropping chunks and letting edges go back wait for each other."""

from cloud_api.storage.migrate import run_file

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0029_hold_drops.sql")
