"""Alarm definitions: what engineers write, checked, versioned, and resolved to the places they mean."""
