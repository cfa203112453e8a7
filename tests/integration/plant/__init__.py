"""The simulated plant over its own two protocols."""
