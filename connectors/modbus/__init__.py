"""Modbus TCP, and Modbus RTU over TCP: registers and bits of PLCs, drives, meters and gateways."""

from connectors.contract import ConnectorKind
from connectors.modbus.config import ModbusConfig
from connectors.modbus.connector import ModbusConnector
from connectors.modbus.estimate import advise, estimate
from connectors.modbus.identify import DISCOVERY
from connectors.modbus.point import ModbusPoint, expand
from connectors.modbus.probe import probe, raw
from connectors.modbus.replay import replay
from connectors.modbus.schedule import describe_plan

KIND = ConnectorKind(
    name="modbus",
    config_model=ModbusConfig,
    point_model=ModbusPoint,
    is_subscribed=lambda config: False,
    create=ModbusConnector,
    describe_plan=describe_plan,
    expand=expand,
    estimate=estimate,
    advise=advise,
    url_schemes=("tcp", "tls", "udp", "rtu+tcp", "ascii+tcp", "rtu+udp", "rtu", "ascii"),
    raw=raw,
    probe=probe,
    discovery=DISCOVERY,
    record=ModbusConnector.record,
    replay=replay,
)
