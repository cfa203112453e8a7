"""Security events until they are quiet again, and from where keys are used."""

from cloud_api.storage.migrate import run_file

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0021_watch_security.sql")
