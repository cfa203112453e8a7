"""Purge: the one act that takes stored history away for good, by an administrator's word."""
