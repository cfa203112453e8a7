"""OPC UA: subscriptions or polling, namespaces by URI, StatusCodes and source times as the server gave them."""

from connectors.contract import ConnectorKind
from connectors.opcua.advice import advise
from connectors.opcua.config import OpcuaConfig, OpcuaPoint
from connectors.opcua.connector import OpcuaConnector, create, describe_plan, expand, is_subscribed
from connectors.opcua.discovery import DISCOVERY
from connectors.opcua.replay import replay

KIND = ConnectorKind(
    name="opcua",
    config_model=OpcuaConfig,
    point_model=OpcuaPoint,
    is_subscribed=is_subscribed,
    create=create,
    describe_plan=describe_plan,
    expand=expand,
    advise=advise,
    url_schemes=("opc.tcp",),
    discovery=DISCOVERY,
    record=OpcuaConnector.record,
    replay=replay,
)
