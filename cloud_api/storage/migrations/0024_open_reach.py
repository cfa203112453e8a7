"""More for callers of limited reach: completeness, KPIs, descriptions of assets, shares."""

from cloud_api.storage.migrate import run_file

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0024_open_reach.sql")
