"""How to read a device: one folder a protocol."""
