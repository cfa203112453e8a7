"""The audit as a chain: sealed, append-only, forwarded, kept as long as it must be."""

from cloud_api.storage.migrate import run_file

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0016_seal_audit.sql")
