"""Corrections: people put stored samples right; the old ones stay and rollups follow."""
