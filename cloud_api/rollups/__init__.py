"""Rollups: mergeable partials of every minute and quarter of an hour, and who makes them."""
