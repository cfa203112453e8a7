"""The HTTP API on real databases."""
