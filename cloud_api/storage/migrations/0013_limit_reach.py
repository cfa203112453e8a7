"""How far callers see: a role that row policies limit, and the reach of users and keys."""

from cloud_api.storage.migrate import run_file

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0013_limit_reach.sql")
