"""The configuration that an agent reports."""

from cloud_api.storage.migrate import run_file

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0025_report_configuration.sql")
