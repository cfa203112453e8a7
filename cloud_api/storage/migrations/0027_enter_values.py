"""Values that people enter, and the series made for them."""

from cloud_api.storage.migrate import run_file

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0027_enter_values.sql")
