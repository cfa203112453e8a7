"""A simulated injection-moulding hall that speaks OPC UA and Modbus."""
