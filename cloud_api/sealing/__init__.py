"""Append-only tables whose rows get numbers without holes and hashes in a chain, after COMMIT, by one process."""
