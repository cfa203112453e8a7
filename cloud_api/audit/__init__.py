"""Who did what, for auditors and administrators."""
