"""Where raw samples end, for readers of shares too."""

from cloud_api.storage.migrate import run_file

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0026_tell_drop.sql")
