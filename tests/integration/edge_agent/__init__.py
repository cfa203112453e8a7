"""The edge agent as a process, against real brokers and devices and a peer that acknowledges like the cloud."""
