"""Sealed rows of the audit on their way to other systems: from a stored cursor, again until they are taken."""
