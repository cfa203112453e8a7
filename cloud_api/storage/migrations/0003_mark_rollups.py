"""How far rollups have got, and what has to be rolled."""

from cloud_api.storage.migrate import run_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0003_mark_rollups.sql")
