"""OPC UA Part 13 aggregates, computed from raw samples."""
