"""What crosses the wire between the edge agent and the cloud."""
