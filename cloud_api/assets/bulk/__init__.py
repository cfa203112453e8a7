"""Bulk edit of the asset tree by CSV: all problems are told at once, and nothing is applied by half."""
