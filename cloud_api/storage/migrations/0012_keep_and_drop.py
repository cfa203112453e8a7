"""What retention may drop, and how the disk fills."""

from cloud_api.storage.migrate import run_file

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0012_keep_and_drop.sql")
