"""What a device is told for a value that an engineer writes: type, range, step, scale and words decide."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.commissioning.writing import WriteRefused, is_same, raw_value
from edge_agent.config import TagTable
from edge_agent.pipeline import scaling_of
from edge_agent.tables import CheckedTag
from schemas.sample import Kind, Value


def table(**keys: Any) -> TagTable:
    return CheckedTag.model_validate({"name": "t", "writable": True, **keys})


@pytest.mark.parametrize(
    ("keys", "kind", "text", "raw"),
    [
        ({}, Kind.I64, "-12", -12),
        ({}, Kind.U64, "18446744073709551615", 18446744073709551615),
        ({}, Kind.U64, "1e3", 1000),
        ({}, Kind.F64, "7.5", 7.5),
        ({}, Kind.F32, "7", 7.0),
        ({}, Kind.BOOL, "on", True),
        ({}, Kind.BOOL, "false", False),
        ({}, Kind.STR, "12", "12"),
        ({"scale": 0.1}, Kind.I64, "21.5", 215),
        ({"scale": 0.1, "offset": -40}, Kind.U64, "-35.5", 45),
        ({"raw_low": 0, "raw_high": 27648, "low": 0, "high": 100}, Kind.I64, "50", 13824),
        ({"enum": {0: "off", 2: "auto"}}, Kind.U64, "auto", 2),
        ({"enum": {0: "off", 2: "auto"}}, Kind.U64, "2", 2),
        ({"low": 0.5, "high": 9.5, "step": 0.5}, Kind.F64, "9.5", 9.5),
        ({"low": 10, "high": 90, "step": 25}, Kind.I64, "85", 85),
    ],
)
def test_raw_value_is_in_the_devices_own_terms(keys: dict[str, Any], kind: Kind, text: str, raw: Value):
    made = raw_value(table(**keys), kind, text)
    assert made == raw
    assert type(made) is type(raw)


@pytest.mark.parametrize(
    ("keys", "kind", "text", "said"),
    [
        ({}, Kind.I64, "1.5", "whole numbers"),
        ({}, Kind.I64, "x", "not a number"),
        ({}, Kind.F64, "inf", "not a number"),
        ({}, Kind.BOOL, "2", "true or false"),
        ({}, Kind.JSON, "1", "not a JSON list; allowed"),
        ({}, Kind.JSON, "[1", "not a JSON list; allowed"),
        ({"high": 10}, Kind.JSON, "[1, 11]", "allowed: no limit to 10"),
        ({"scale": 0.1}, Kind.I64, "21.55", "215.5"),
        ({"low": 0, "high": 10}, Kind.F64, "10.001", "allowed: 0 to 10"),
        ({"low": 0, "high": 10, "unit": "bar"}, Kind.F64, "-1", "0 to 10 bar"),
        ({"low": 10, "high": 90, "step": 25}, Kind.I64, "86", "85 and 110"),
        ({"enum": {0: "off", 2: "auto"}}, Kind.U64, "manual", r"off \(0\), auto \(2\)"),
        ({"scale": 0}, Kind.I64, "1", "scale is 0"),
    ],
)
def test_value_that_cannot_be_is_refused_with_what_is_allowed(keys: dict[str, Any], kind: Kind, text: str, said: str):
    with pytest.raises(WriteRefused, match=said):
        raw_value(table(**keys), kind, text)


@given(st.integers(-32768, 32767), st.sampled_from([0.1, 0.01, 0.5, 2.0, -0.1]), st.sampled_from([0.0, -40.0, 273.15]))
def test_value_as_it_is_read_can_be_written_back(raw: int, scale: float, offset: float):
    tag = table(scale=scale, offset=offset)
    _, value, _ = scaling_of(tag).apply(Kind.I64, raw, 0)
    assert raw_value(tag, Kind.I64, repr(value)) == raw


def test_read_back_is_compared_as_exactly_as_the_kind_can():
    assert is_same(Kind.F32, 3.3, 3.299999952316284)
    assert not is_same(Kind.F32, 3.3, 3.3000012)
    assert not is_same(Kind.F64, 3.3, 3.299999952316284)
    assert not is_same(Kind.BOOL, True, 1)
    assert not is_same(Kind.I64, 5, None)
    assert is_same(Kind.JSON, "[1,2.5,true]", "[1.0,2.5,true]")
    assert is_same(Kind.JSON, "[3.3]", "[3.299999952316284]")
    assert not is_same(Kind.JSON, "[1,2]", "[1,2,3]")
    assert not is_same(Kind.JSON, "[true]", "[1]")
    assert not is_same(Kind.JSON, "[3.3]", "[3.31]")
