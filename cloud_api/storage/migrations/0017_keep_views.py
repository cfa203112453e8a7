"""What people have chosen for themselves in the console."""

from cloud_api.storage.migrate import run_file

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0017_keep_views.sql")
