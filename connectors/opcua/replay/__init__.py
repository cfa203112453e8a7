"""A recorded server on the desk: what it was (played), how far it is (stage), and the wire (service)."""

from connectors.opcua.replay.service import replay

__all__ = ["replay"]
