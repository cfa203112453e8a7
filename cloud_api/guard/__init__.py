"""Signs of an attack or of a broken trust: counted, told as metrics, raised as alarms."""
