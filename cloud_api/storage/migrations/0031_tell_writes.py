"""What was written above the watermark, so that the roller need not read it back."""

from cloud_api.storage.migrate import run_file

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0031_tell_writes.sql")
