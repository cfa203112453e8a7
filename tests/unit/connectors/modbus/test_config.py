"""What a Modbus configuration may say, and how plainly a wrong one is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import ConfigInvalid
from connectors.modbus import KIND
from connectors.modbus.config import Framing, ModbusConfig, ModbusPoint
from connectors.modbus.read_plan import Area, Limits, Span


def point(**keys: Any) -> ModbusPoint:
    return ModbusPoint.model_validate(keys)


@pytest.mark.parametrize(
    ("url", "host", "port", "framing"),
    [
        ("tcp://10.0.0.12:502", "10.0.0.12", 502, Framing.TCP),
        ("tcp://PLC-1.plant", "plc-1.plant", 502, Framing.TCP),
        ("rtu+tcp://gateway:4001/", "gateway", 4001, Framing.RTU),
        ("tcp://[fe80::1]:1502", "fe80::1", 1502, Framing.TCP),
    ],
)
def test_urls(url: str, host: str, port: int, framing: Framing):
    config = ModbusConfig(url=url)
    assert (config.host, config.port, config.framing) == (host, port, framing)


@pytest.mark.parametrize(
    "url",
    ["10.0.0.12", "udp://a:1", "tls://a:802", "rtu:///dev/ttyUSB0", "tcp://", "tcp://a:0", "tcp://a:65536", "tcp://a b",
     "tcp://user:secret@a:502", "tcp://a:502/path"],
)  # fmt: skip
def test_other_urls_are_refused_with_what_is_allowed(url: str):
    with pytest.raises(ValidationError, match=r"is not supported; allowed: tcp://host:port or rtu\+tcp://host:port"):
        ModbusConfig(url=url)


@pytest.mark.parametrize(
    ("keys", "span"),
    [
        ({"address": "holding:100"}, Span(Area.HOLDING, 100, 1)),
        ({"address": "input:0", "type": "float64"}, Span(Area.INPUT, 0, 4)),
        ({"address": "coil:65535"}, Span(Area.COIL, 65535, 1)),
        ({"address": "discrete:7", "type": "bool"}, Span(Area.DISCRETE, 7, 1)),
        ({"address": "holding:5.15"}, Span(Area.HOLDING, 5, 1)),
        ({"address": "holding:5", "type": "string", "length": 20, "order": "BA"}, Span(Area.HOLDING, 5, 20)),
    ],
)
def test_addresses(keys: dict[str, Any], span: Span):
    assert point(**keys).span == span


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"address": "40101"}, r"'40101' is not an address; allowed: coil:, discrete:, input:, holding: .*holding:100"),
        ({"address": "register:1"}, "is not an address"),
        ({"address": "holding:-1"}, "is not an address"),
        ({"address": "holding:65536"}, "'holding:65536' lies outside the area; allowed: 0 to 65535"),
        ({"address": "holding:1.16"}, r"has no such bit; allowed: \.0 \(least significant\) to \.15"),
        ({"address": "coil:1.2"}, "has no such bit"),
        ({"address": "coil:1", "type": "int16"}, "int16 cannot be read from 'coil:1'; allowed: bool"),
        ({"address": "holding:1", "type": "bool"}, r"bool needs the bit in the address; allowed: holding:1\.0"),
        ({"address": "holding:1", "type": "int24"}, "Input should be 'bool', 'int8_high'"),
        ({"address": "holding:1", "type": "int16", "order": "CDAB"}, "'CDAB' does not fit type int16; .*AB, BA"),
        ({"address": "holding:1", "type": "int32", "order": "AB"}, "allowed: ABCD, CDAB, BADC, DCBA"),
        ({"address": "holding:1", "type": "int64", "order": "ACBD"}, "allowed: .*ABCDEFGH, GHEFCDAB"),
        ({"address": "coil:1", "order": "AB"}, "allowed: none, leave it out"),
        ({"address": "holding:1", "type": "string"}, "length .* belongs to type string"),
        ({"address": "holding:1", "length": 2}, "length .* belongs to type string"),
        ({"address": "holding:1", "encoding": "gb18030"}, "encoding belongs to type string"),
        ({"address": "holding:65533", "type": "int64"}, "passes the end of the area at 65535"),
        ({"address": "holding:1", "scale": 2}, "Extra inputs are not permitted"),
        ({"type": "int16"}, "Field required"),
    ],
)
def test_wrong_points_are_refused_with_what_is_allowed(keys: dict[str, Any], complaint: str):
    with pytest.raises(ValidationError, match=complaint):
        point(**keys)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("unit", 256),
        ("unit", -1),
        ("timeout", "1ms"),
        ("timeout", 5),
        ("order", "AB"),
        ("max_registers", 126),
        ("max_registers", 0),
        ("max_bits", 2001),
        ("max_gap", -1),
        ("retry_pause", "1h"),
        ("baudrate", 9600),
    ],
)
def test_wrong_device_keys_are_refused(key: str, value: Any):
    with pytest.raises(ValidationError) as caught:
        ModbusConfig.model_validate({"url": "tcp://a", key: value})
    assert caught.value.errors()[0]["loc"] == (key,)


def test_a_gap_costs_less_where_bytes_are_slow():
    assert ModbusConfig(url="tcp://a").limits == Limits(125, 2000, 125)
    assert ModbusConfig(url="rtu+tcp://a").limits == Limits(125, 2000, 16)
    assert ModbusConfig(url="rtu+tcp://a", max_gap=0, max_registers=50).limits == Limits(50, 2000, 0)


def test_a_point_that_the_device_cannot_give_in_one_read_is_refused_at_start():
    config = ModbusConfig(url="tcp://a", max_registers=10)
    points = [point(address="holding:0"), point(address="holding:5", type="string", length=11)]
    with pytest.raises(ConfigInvalid, match=r"point 1 \('holding:5', string\) takes 11 registers.*max_registers = 10"):
        KIND.create(config, points, clock=None)  # pyright: ignore[reportArgumentType]


def test_the_plan_in_words_names_areas_lengths_and_points():
    points = [point(address="holding:100", type="float32"), point(address="holding:110"), point(address="coil:3")]
    requests = KIND.describe_plan(ModbusConfig(url="tcp://a"), points, [[0, 1], [2]])
    assert [request.text for request in requests] == [
        "holding 100..110: 11 registers, 8 unused",
        "coil 3..3: 1 bit",
    ]
    assert [request.points for request in requests] == [2, 1]
