"""Mappings of rejects that are remembered, and open rejects found quickly."""

from cloud_api.storage.migrate import run_file

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0015_remember_reject_rules.sql")
