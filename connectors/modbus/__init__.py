"""Modbus TCP, and Modbus RTU over TCP: registers and bits of PLCs, drives, meters and gateways."""

from connectors.contract import ConnectorKind, Tables
from connectors.modbus.connector import ModbusConnector
from connectors.modbus.estimate import advise, estimate
from connectors.modbus.identify import DISCOVERY
from connectors.modbus.probe import probe, raw
from connectors.modbus.replay import replay
from connectors.modbus.schedule import describe_plan


def _tables() -> Tables:
    """What checks the tables needs a library that a running agent does without."""
    from connectors.modbus.config import ModbusConfig
    from connectors.modbus.point import ModbusPoint, expand

    return Tables(ModbusConfig, ModbusPoint, expand)


KIND = ConnectorKind(
    name="modbus",
    tables=_tables,
    is_subscribed=lambda config: False,
    create=ModbusConnector,
    describe_plan=describe_plan,
    estimate=estimate,
    advise=advise,
    url_schemes=("tcp", "tls", "udp", "rtu+tcp", "ascii+tcp", "rtu+udp", "rtu", "ascii"),
    raw=raw,
    probe=probe,
    discovery=DISCOVERY,
    record=ModbusConnector.record,
    replay=replay,
)
