"""A calculation is seen by who reaches what it names, and what that names in turn."""

from cloud_api.storage.migrate import run_file

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0032_reach_of_inner_calculations.sql")
