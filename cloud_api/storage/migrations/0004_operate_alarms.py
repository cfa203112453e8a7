"""Alarms as operators see them: memories, journal, maintenance."""

from cloud_api.storage.migrate import run_file

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0004_operate_alarms.sql")
