"""Trying a channel with a message that nobody needs."""
