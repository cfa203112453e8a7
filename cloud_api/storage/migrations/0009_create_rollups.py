"""Rollups: partials of every minute and quarter of an hour, and the aggregate configuration of a series."""

from cloud_api.storage.migrate import run_file

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0009_create_rollups.sql")
