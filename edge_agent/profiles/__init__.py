"""Templates of known devices: a device table names one, and says only what is its own."""
