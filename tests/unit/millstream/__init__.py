"""Tests of the command, the demonstration and the simulated plant."""
