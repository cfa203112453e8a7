"""People: logging in and out, one's own account, and the accounts that administrators keep."""
