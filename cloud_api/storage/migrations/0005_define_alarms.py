"""Alarm definitions with all their versions, where they stand, and what their evaluation remembers."""

from cloud_api.storage.migrate import run_file

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0005_define_alarms.sql")
