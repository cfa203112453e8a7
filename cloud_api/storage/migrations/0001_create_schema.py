"""The first schema: series, samples, ledger, rejects, agents, keys."""

from cloud_api.storage.migrate import run_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0001_create_schema.sql")
