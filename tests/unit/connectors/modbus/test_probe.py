"""Every interpretation of registers, and a value back as the registers that hold it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.modbus.config import ModbusConfig
from connectors.modbus.decode import register_decoder
from connectors.modbus.point import ModbusPoint
from connectors.modbus.probe import interpretations, parse_range, raw
from connectors.modbus.read_plan import Area

CONFIG = ModbusConfig.model_validate({"url": "tcp://127.0.0.1:502"})


@given(st.lists(st.binary(min_size=2, max_size=2), min_size=1, max_size=12), st.integers(0, 1000))
def test_each_interpretation_is_what_the_point_would_read(words: list[bytes], first: int):
    registers = {first + place: word for place, word in enumerate(words)}
    for each in interpretations(Area.HOLDING, registers):
        point = ModbusPoint.model_validate(each.point)
        content = b"".join(registers[point.first + place] for place in range(point.span.count))
        (value,) = register_decoder([(0, point.field("ABCD"))]).values(content)
        assert repr(value) == repr(each.value)  # also for NaN
        assert each.raw == content.hex(" ", 2)


def test_value_wider_than_its_neighbours_is_left_out():
    found = interpretations(Area.INPUT, {4: b"\x43\x66", 6: b"\x00\x01"})
    assert {each.point["address"] for each in found} == {"input:4", "input:6"}
    assert not [each for each in found if "32" in str(each.point["type"])]


def test_text_is_shown_once_where_it_begins():
    registers = {place: b"PLANT-01"[2 * place : 2 * place + 2] for place in range(4)}
    texts = [each for each in interpretations(Area.HOLDING, registers) if each.point["type"] == "string"]
    assert [(each.point["address"], each.value) for each in texts if each.point["order"] == "AB"] == [
        ("holding:0", "PLANT-01")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0-200", (Area.HOLDING, 0, 200)),
        ("input:7", (Area.INPUT, 7, 7)),
        ("coil:0-31", (Area.COIL, 0, 31)),
    ],
)
def test_range_is_read_as_written(text: str, expected: tuple[Area, int, int]):
    assert parse_range(text) == expected


@pytest.mark.parametrize("text", ["", "5-3", "holding:0-65536", "0-2000", "register:1", "-1"])
def test_range_that_cannot_be_says_what_is_allowed(text: str):
    with pytest.raises(ValueError, match="allowed: 0-200"):
        parse_range(text)


@given(st.floats(width=32, allow_nan=False), st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]))
def test_raw_is_the_content_on_the_wire(value: float, order: str):
    point = ModbusPoint.model_validate({"address": "holding:0", "type": "float32", "order": order})
    packed = struct.pack(">f", value)
    wire = bytes(packed["ABCD".index(letter)] for letter in order)
    field = point.field("ABCD")
    assert raw(CONFIG, point, field.kind, value) == wire.hex(" ", 2)
