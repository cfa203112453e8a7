"""Telling people about alarms: channels, routes, what they owe, and the outbox of messages."""

from cloud_api.storage.migrate import run_file

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0014_send_notifications.sql")
