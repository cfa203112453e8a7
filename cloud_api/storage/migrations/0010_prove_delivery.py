"""Outages of the cloud's own parts, and marks in the ledger: what completeness and the proof of delivery stand on."""

from cloud_api.storage.migrate import run_file

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the file of the same name."""
    run_file("0010_prove_delivery.sql")
