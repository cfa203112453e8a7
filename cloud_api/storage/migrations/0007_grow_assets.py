"""The asset tree: it grows from tag paths, is edited, and has templates of the tags that an asset should have."""

from cloud_api.storage.migrate import run_file

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0007_grow_assets.sql")
