"""Alarms in operation: the life cycle of ISA-18.2 and the verbs of operators."""
