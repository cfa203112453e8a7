"""OPC UA: subscriptions or polling, namespaces by URI, StatusCodes and source times as the server gave them."""

from connectors.contract import ConnectorKind, Tables
from connectors.opcua.advice import advise
from connectors.opcua.config import OpcuaConfig, OpcuaPoint
from connectors.opcua.connector import OpcuaConnector, create, describe_plan, expand, is_subscribed
from connectors.opcua.discovery import DISCOVERY
from connectors.opcua.replay import replay

KIND = ConnectorKind(
    name="opcua",
    tables=lambda: Tables(OpcuaConfig, OpcuaPoint, expand),
    is_subscribed=is_subscribed,
    create=create,
    describe_plan=describe_plan,
    advise=advise,
    queue=lambda config: config.queue,
    url_schemes=("opc.tcp",),
    discovery=DISCOVERY,
    record=OpcuaConnector.record,
    replay=replay,
)
