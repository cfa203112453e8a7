"""Security events, from what really happens to the alarm that somebody acknowledges."""
