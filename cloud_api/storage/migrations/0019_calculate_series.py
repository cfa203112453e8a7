"""Calculated series: definitions, versions, inputs, how far they are, and what has to be computed again."""

from cloud_api.storage.migrate import run_file

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0019_calculate_series.sql")
