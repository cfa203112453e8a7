"""What a Modbus configuration may say, and how plainly a wrong one is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import ConfigInvalid
from connectors.modbus import KIND
from connectors.modbus.config import ModbusConfig
from connectors.modbus.link import Framing
from connectors.modbus.point import ModbusPoint, expand
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
        ("udp://10.0.0.12", "10.0.0.12", 502, Framing.TCP),
        ("tls://10.0.0.12", "10.0.0.12", 802, Framing.TCP),
        ("ascii+tcp://gateway:4001", "gateway", 4001, Framing.ASCII),
        ("rtu+udp://gateway:4001", "gateway", 4001, Framing.RTU),
        ("rtu:///dev/serial/by-id/usb-FTDI-if00-port0", "/dev/serial/by-id/usb-FTDI-if00-port0", 0, Framing.RTU),
        ("ascii://COM3", "COM3", 0, Framing.ASCII),
    ],
)
def test_urls(url: str, host: str, port: int, framing: Framing):
    config = ModbusConfig(url=url)
    assert (config.host, config.port, config.framing) == (host, port, framing)


@pytest.mark.parametrize(
    "url",
    ["10.0.0.12", "http://a:1", "rtu+tls://a:802", "rtu:///etc/passwd", "rtu://tty0",
     "tcp://", "tcp://a:0", "tcp://a:65536", "tcp://a b",
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
        (
            {"address": "101"},
            r"'101' is not an address; allowed: coil:, discrete:, input:, holding: .*40101.*holding:100",
        ),
        ({"address": "50101"}, "'50101' is not an address"),
        ({"address": "40000"}, "'40000' lies outside the area; allowed: 0 to 65535 on the wire"),
        ({"address": "465537"}, "'465537' lies outside the area"),
        ({"address": "10001.3"}, "'10001.3' has no such bit"),
        ({"address": "holding:1.6-4"}, r"counts its bits backwards; allowed: the lower one first, for example \.4-6"),
        ({"address": "holding:1.4-6", "type": "int16"}, "int16 cannot be read from .* allowed: uint16"),
        ({"address": "holding:1", "array": "json"}, "array belongs to a point with a count"),
        ({"address": "holding:1", "count": 1}, "greater than or equal to 2"),
        ({"address": "holding:1.3", "count": 2}, "count belongs to whole registers and coils; for bits"),
        ({"address": "holding:65535", "count": 2}, "passes the end of the area"),
        ({"address": "coil:1", "bits": {"0": "on"}}, "bits belong to one whole register of type uint16"),
        ({"address": "holding:1", "type": "int32", "bits": {"0": "on"}}, "bits belong to one whole register"),
        ({"address": "holding:1", "bits": {"16": "on"}}, "has no such bit"),
        ({"address": "holding:1", "bits": {"0": "on", "1": "on"}}, "a name of its own"),
        ({"address": "holding:1", "bits": {"0": "a/"}}, "'a/' cannot be a tag's name"),
        ({"address": "holding:1", "bits": "0=on;1"}, "'' cannot be a tag's name"),
        ({"address": "register:1"}, "is not an address"),
        ({"address": "holding:-1"}, "is not an address"),
        ({"address": "holding:65536"}, "'holding:65536' lies outside the area; allowed: 0 to 65535 on the wire"),
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


@pytest.mark.parametrize(
    ("written", "wire"),
    [
        ("40001", "holding:0"),
        ("40101", "holding:100"),
        (40101, "holding:100"),
        ("49999.3", "holding:9998.3"),
        ("400101", "holding:100"),
        ("465536", "holding:65535"),
        ("30008", "input:7"),
        ("300008.4-6", "input:7.4-6"),
        ("10013", "discrete:12"),
        ("00001", "coil:0"),
        ("065536", "coil:65535"),
        ("holding:0x00FF", "holding:255"),
    ],
)
def test_addresses_of_manuals_become_those_of_the_wire(written: Any, wire: str):
    assert point(address=written).address == wire


def test_a_device_whose_manual_counts_from_one():
    device = ModbusConfig(url="tcp://a", registers_from=1)
    made = [
        ModbusPoint.model_validate({"address": text}, context=device).address
        for text in ("holding:1", "input:1", "coil:1", "40001")
    ]
    assert made == ["holding:0", "input:0", "coil:1", "holding:0"]
    coils = ModbusConfig(url="tcp://a", bits_from=1)
    assert ModbusPoint.model_validate({"address": "coil:1"}, context=coils).address == "coil:0"
    with pytest.raises(ValidationError, match="'coil:0' lies outside the area"):
        ModbusPoint.model_validate({"address": "coil:0"}, context=coils)


def test_an_array_is_tags_of_its_elements():
    made = expand(point(address="holding:10", type="float32", count=3, order="CDAB"))
    assert [(name, tag.address, tag.type, tag.order, tag.count) for name, tag in made] == [
        ("0", "holding:10", "float32", "CDAB", None),
        ("1", "holding:12", "float32", "CDAB", None),
        ("2", "holding:14", "float32", "CDAB", None),
    ]
    texts = expand(point(address="holding:0", type="string", length=4, count=2, encoding="gb18030"))
    assert [(tag.address, tag.length, tag.encoding) for _, tag in texts] == [
        ("holding:0", 4, "gb18030"),
        ("holding:4", 4, "gb18030"),
    ]
    assert [tag.address for _, tag in expand(point(address="coil:7", count=2))] == ["coil:7", "coil:8"]


def test_an_array_as_json_and_a_plain_point_are_one_tag():
    for keys in ({"address": "holding:10", "count": 3, "array": "json"}, {"address": "holding:10"}):
        made = point(**keys)
        assert expand(made) == (("", made),)


@pytest.mark.parametrize("bits", [{"0": "running", "4-6": "mode"}, "0=running; 4-6 = mode"])
def test_bits_of_a_register_are_tags(bits: Any):
    made = expand(point(address="40011", bits=bits, order="BA"))
    assert [(name, tag.address, tag.order) for name, tag in made] == [
        ("running", "holding:10.0", "BA"),
        ("mode", "holding:10.4-6", "BA"),
    ]


def test_what_was_not_expanded_is_refused():
    with pytest.raises(ConfigInvalid, match="holding:0: an array or bits of several tags"):
        KIND.describe_plan(ModbusConfig(url="tcp://a"), [point(address="holding:0", count=2)], [[0]])


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"url": "tcp://a", "parity": "odd"}, "parity cannot stand with 'tcp://a'; allowed with a serial port only"),
        ({"url": "tcp://a", "ca_file": "ca.pem"}, "ca_file cannot stand with .* allowed with tls:// only"),
        ({"url": "tls://a", "cert_file": "c.pem"}, "cert_file and key_file belong together"),
        ({"url": "rtu+tcp://a", "accept_any_transaction": True}, "accept_any_transaction cannot stand with"),
        ({"url": "rtu+tcp://a", "outstanding": 2}, "outstanding above 1 needs transaction numbers"),
        ({"url": "tcp://a", "outstanding": 2, "accept_any_transaction": True}, "needs transaction numbers"),
    ],
)
def test_keys_that_do_not_fit_the_transport_are_refused(keys: dict[str, Any], complaint: str):
    with pytest.raises(ValidationError, match=complaint):
        ModbusConfig.model_validate(keys)


def test_a_port_that_may_change_its_name_is_advised_against():
    assert "/dev/serial/by-id/" in KIND.advise(ModbusConfig(url="rtu:///dev/ttyUSB0"))[0]
    assert not KIND.advise(ModbusConfig(url="rtu:///dev/serial/by-id/usb-FTDI-if00-port0"))
    assert not KIND.advise(ModbusConfig(url="tcp://a"))
