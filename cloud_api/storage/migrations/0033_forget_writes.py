"""From when on all that was written above the watermark is still told."""

from cloud_api.storage.migrate import run_file

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0033_forget_writes.sql")
