"""Series that are calculated on the fly are found without looking at all the others."""

from cloud_api.storage.migrate import run_file

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0028_find_on_the_fly.sql")
