"""Log-in by an identity provider: identities, answered attempts, the sessions that came of them."""

from cloud_api.storage.migrate import run_file

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0020_know_identities.sql")
