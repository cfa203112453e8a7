"""What people write about a stretch of a series or of an asset."""
