"""How good the alarm system is: the KPIs of ISA-18.2 and OPC UA alarm metrics, from sealed journal rows."""
