"""Unit tests of the wire protocol."""
