"""More for callers of limited reach: completeness, KPIs, descriptions of assets, shares."""

from cloud_api.storage.migrate import run_file

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0023_open_reach.sql")
