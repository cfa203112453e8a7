"""Samples that were written by SQL of somebody's own are noticed."""

from cloud_api.storage.migrate import run_file

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0034_notice_sql.sql")
