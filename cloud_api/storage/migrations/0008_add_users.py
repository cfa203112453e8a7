"""People who log in: passwords, second factors, sessions, failed log-ins, and the roles maintenance and auditor."""

from cloud_api.storage.migrate import run_file

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0008_add_users.sql")
