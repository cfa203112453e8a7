"""The plant's own name, its shifts, and how long it keeps data, chosen by people."""

from cloud_api.storage.migrate import run_file

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0022_name_site.sql")
