"""How to read a device: one folder per protocol, each a stranger to the others."""
