"""The wire protocol as others speak it."""
