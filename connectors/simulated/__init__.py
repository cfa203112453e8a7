"""Signals without a device, for a first run, for tests, and as the pattern of a new connector."""

from connectors.contract import ConnectorKind, Tables
from connectors.simulated.config import Delivery, SimulatedConfig, SimulatedPoint
from connectors.simulated.connector import SimulatedConnector, describe_plan

KIND = ConnectorKind(
    name="simulated",
    tables=lambda: Tables(SimulatedConfig, SimulatedPoint),
    is_subscribed=lambda config: config.delivery is Delivery.SUBSCRIBED,
    create=SimulatedConnector,
    describe_plan=describe_plan,
)
