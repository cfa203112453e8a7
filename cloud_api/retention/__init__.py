"""How long data is kept, and when the disk would be full."""
