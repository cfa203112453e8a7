"""Maintenance: stretches of time in which somebody works at a device, an asset or some series."""
