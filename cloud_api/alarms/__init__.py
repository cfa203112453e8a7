"""Alarms: definitions, what their conditions do, what operators do with them, and the journal of both."""
