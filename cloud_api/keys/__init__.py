"""API keys over HTTP: list, make, rotate with overlap, revoke."""
