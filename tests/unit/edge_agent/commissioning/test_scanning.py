"""Only what is named is looked at."""

import pytest

from edge_agent.commissioning.scanning import TargetInvalid, addresses, spots, units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.0/30", ["192.0.2.1", "192.0.2.2"]),
        ("192.0.2.7/32", ["192.0.2.7"]),
        ("192.0.2.5-7", ["192.0.2.5", "192.0.2.6", "192.0.2.7"]),
        ("192.0.2.9", ["192.0.2.9"]),
        ("plc-3.example", ["plc-3.example"]),
    ],
)
def test_range_is_read_as_written(text: str, expected: list[str]):
    assert addresses(text) == expected


@pytest.mark.parametrize("text", ["10.0.0.0/8", "192.0.2.9-5", "192.0.2.1-300", "300.0.2.1-5", "192.0.2.0/33"])
def test_range_that_is_too_wide_or_none_is_refused(text: str):
    with pytest.raises(TargetInvalid):
        addresses(text)


def test_units_are_listed_once_each():
    assert units("1,5,7-9,8") == [1, 5, 7, 8, 9]
    for wrong in ("", "0-256", "a", "3-1"):
        with pytest.raises(TargetInvalid):
            units(wrong)


def test_standard_ports_are_tried_where_none_is_named():
    assert {(spot.kind, spot.port) for spot in spots(["h"], [])} == {("modbus", 502), ("opcua", 4840)}
    assert {(spot.kind, spot.port) for spot in spots(["h"], ["modbus:5020"])} == {("modbus", 5020)}
    assert {spot.kind for spot in spots(["h"], ["5020"])} == {"modbus", "opcua"}
    for wrong in ("nonsense:5", "0", "70000"):
        with pytest.raises(TargetInvalid):
            spots(["h"], [wrong])
