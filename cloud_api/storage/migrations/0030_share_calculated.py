"""What is calculated on the fly can be shared: as it was when the owner looked, and never what it is made of."""

from cloud_api.storage.migrate import run_file

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0030_share_calculated.sql")
