"""What the HTTP API needs beside the first schema: paths in byte order, keys that only scrape metrics."""

from cloud_api.storage.migrate import run_file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0002_serve_api.sql")
