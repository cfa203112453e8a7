"""Alarms in operation: the list, one alarm, and the verbs of operators over HTTP."""
