"""The flight recorder: the last minutes of what was said with each device, kept for the morning after."""
