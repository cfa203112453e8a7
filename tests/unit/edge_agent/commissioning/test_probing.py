"""The value on the panel finds type, order and scale among everything that registers could mean."""

import struct
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.modbus.probe import interpretations
from connectors.modbus.read_plan import Area
from edge_agent.commissioning.probing import last_digit, narrow, rank, side_by_side, tag_table


def registers(content: bytes, first: int = 100) -> dict[int, bytes]:
    return {first + place: content[2 * place : 2 * place + 2] for place in range(len(content) // 2)}


@pytest.mark.parametrize(
    ("content", "panel", "words"),
    [
        (struct.pack(">f", 229.01), "229.01", "holding:100 float32"),
        (struct.pack(">f", 229.01)[2:] + struct.pack(">f", 229.01)[:2], "229.01", "holding:100 float32 CDAB"),
        (struct.pack(">H", 2290), "229.0", "holding:100 uint16 × 0.1"),
        (struct.pack(">h", -153), "-15.3", "holding:100 int16 × 0.1"),
        (struct.pack("<i", 1234567), "12345.67", "holding:100 uint32 DCBA × 0.01"),
        (struct.pack(">d", 98765.4321), "98765.43", "holding:100 float64"),
        (struct.pack(">f", 0.22901), "229.01", "holding:100 float32 × 1000"),
    ],
)
def test_panel_names_the_interpretation(content: bytes, panel: str, words: str):
    found = interpretations(Area.HOLDING, registers(content))
    ranked = rank(found, float(panel), last_digit(panel))
    first = ranked[0].words
    assert first == words or (words == "holding:100 uint32 DCBA × 0.01" and first == words.replace("uint", "int"))


def test_second_value_leaves_what_moved_with_the_panel():
    noise = struct.pack(">HH", 2290, 22901)  # stands still, and fits as well
    before = interpretations(Area.HOLDING, registers(noise + struct.pack(">f", 229.01)))
    candidates = rank(before, 229.01, 0.01)
    assert len(candidates) > 1
    after = interpretations(Area.HOLDING, registers(noise + struct.pack(">f", 229.35)))
    kept = narrow(candidates, after, 229.35, 0.01)
    assert kept[0].words == "holding:102 float32"
    assert kept[0].is_moving
    gone = interpretations(Area.HOLDING, registers(noise + struct.pack(">f", 251.0)))
    moved = narrow(kept, gone, 251.0, 0.01)
    assert moved[0].words == "holding:102 float32"
    assert not [each for each in moved if each.point["type"] == "uint16"]


@given(st.floats(min_value=0.5, max_value=1e5), st.sampled_from(["ABCD", "CDAB", "BADC", "DCBA"]))
def test_true_interpretation_is_always_among_the_candidates(value: float, order: str):
    packed = struct.pack(">f", value)
    content = bytes(packed["ABCD".index(letter)] for letter in order)
    panel = f"{value:.2f}"
    ranked = rank(interpretations(Area.HOLDING, registers(content)), float(panel), last_digit(panel))
    assert any(each.point["type"] == "float32" and each.point.get("order", "ABCD") == order for each in ranked)


def test_tag_table_is_toml_of_the_point():
    (first, *_) = rank(interpretations(Area.INPUT, registers(struct.pack(">H", 2290))), 229.0, 0.1)
    table = tomllib.loads(tag_table(first, "voltage"))["device"]["tag"][0]
    assert table == {"name": "voltage", "address": "input:100", "type": "uint16", "scale": 0.1}


def test_rows_have_a_cell_for_each_column():
    header, *rows = side_by_side(interpretations(Area.HOLDING, registers(struct.pack(">fH", 229.01, 7))))
    assert header[:3] == ("ADDRESS", "RAW", "uint16")
    assert [row[0] for row in rows] == ["holding:100", "holding:101", "holding:102"]
    assert {len(row) for row in rows} == {len(header)}
    assert rows[0][header.index("float32")] == "229.01"
