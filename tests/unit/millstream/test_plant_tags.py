"""What the plant's servers show: enough of it, of every type, and registers as their makers would fill them."""

import random
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millstream.plant.faults import Fault, FaultKind
from millstream.plant.hall import STEP_S, advance, new_hall
from millstream.plant.modbus_server import decode, encode, width
from millstream.plant.tags import PlantTag, RegisterTag, modbus_devices, opcua_tags

REGISTERS = [register for device in modbus_devices() for register in device.registers]


def _register(type_: str, order: str = "ABCD", divisor: int = 1) -> RegisterTag:
    return RegisterTag(PlantTag("a", type_, ("b",), "c"), "holding", 0, order, divisor)


def test_there_are_enough_tags_of_every_kind():
    assert len(opcua_tags()) >= 60
    assert len(REGISTERS) >= 30
    assert {register.area for register in REGISTERS} == {"coil", "discrete", "holding", "input"}
    assert {tag.tag.type for tag in opcua_tags()} >= {"Double", "Float", "Int32", "UInt64", "Boolean", "String"}


def test_names_and_nodes_are_unique():
    assert len({tag.tag.name for tag in opcua_tags()}) == len({tag.node for tag in opcua_tags()}) == len(opcua_tags())
    for device in modbus_devices():
        assert len({register.tag.name for register in device.registers}) == len(device.registers)


def test_registers_of_a_device_do_not_overlap():
    for device in modbus_devices():
        places = [
            (register.area, register.address + offset)
            for register in device.registers
            for offset in range(width(register))
        ]
        assert len(places) == len(set(places))


def test_every_tag_can_be_measured():
    hall, rng = new_hall(1), random.Random(1)
    for tag in (*(tag.tag for tag in opcua_tags()), *(register.tag for register in REGISTERS)):
        assert tag.measure(hall, rng) is not None


def test_readings_keep_to_the_sensors_resolution():
    hall, rng = new_hall(1), random.Random(1)
    for tag in opcua_tags():
        reading = tag.tag.measure(hall, rng)
        if tag.tag.step and isinstance(reading, float):
            assert reading == pytest.approx(round(reading / tag.tag.step) * tag.tag.step, abs=1e-6)


def test_broken_sensor_reads_nothing_and_disturbs_no_other():
    hall = replace(new_hall(1), fault=Fault(0, FaultKind.SENSOR_BREAK, 1, 2, 0.0, 10.0))
    silent = [tag.tag.name for tag in opcua_tags() if tag.tag.measure(hall, random.Random(1)) is None]
    assert silent == ["imm-2/zone-3/temperature"]


@pytest.mark.parametrize(
    ("order", "registers"),
    [("ABCD", [0x4048, 0xF5C3]), ("CDAB", [0xF5C3, 0x4048]), ("BADC", [0x4840, 0xC3F5])],
)
def test_float_in_every_order(order: str, registers: list[int]):
    assert encode(_register("float32", order), 3.14) == registers
    assert decode(_register("float32", order), registers) == struct.unpack(">f", struct.pack(">f", 3.14))[0]


def test_64_bits_either_way_round():
    number = 0x0123_4567_89AB_CDEF
    assert encode(_register("uint64"), number) == [0x0123, 0x4567, 0x89AB, 0xCDEF]
    assert encode(_register("uint64", "GHEFCDAB"), number) == [0xCDEF, 0x89AB, 0x4567, 0x0123]


def test_whole_numbers_are_scaled_and_signed():
    assert encode(_register("int16", divisor=10), -1.26) == [0x10000 - 13]
    assert encode(_register("uint16", divisor=100), 5.947) == [595]


def test_what_does_not_fit_shows_the_end_of_the_range():
    assert encode(_register("uint16"), -1.4) == [0]
    assert encode(_register("uint16"), 70_000) == [0xFFFF]
    assert encode(_register("int16", divisor=10), -9_999.0) == [0x8000]


def test_every_reading_fits_its_registers_whatever_the_fault():
    hall, rng = new_hall(1), random.Random(1)
    for kind in FaultKind:
        hall = replace(hall, fault=Fault(0, kind, 0, 0, 0.0, 1e9))
        for _ in range(600):
            hall = advance(hall, STEP_S, rng)
        for register in REGISTERS:
            for _ in range(20):
                assert len(encode(register, register.tag.measure(hall, rng))) == width(register)


def test_text_is_padded():
    text = replace(_register("string"), length=8)
    assert encode(text, "表1") == [0xE8A1, 0xA831, 0, 0]


@given(st.sampled_from(REGISTERS), st.integers(0, 2**15 - 1))
def test_what_is_written_is_what_was_meant(register: RegisterTag, number: int):
    if register.tag.type in ("bool", "string"):
        return
    assert decode(register, encode(register, number / register.divisor)) == pytest.approx(number / register.divisor)
