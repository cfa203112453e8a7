"""Values out of storage: every digit, every boolean, every string as it was read."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.query.values import Int64, read_digits, read_value, read_values
from cloud_api.storage.columns import SampleColumns

NAN = math.nan


def columns(values: list[float], texts: list[str | None] | None = None) -> SampleColumns:
    count = len(values)
    return SampleColumns(np.zeros(count, np.int64), np.array(values, np.float64), np.zeros(count, np.uint32), texts)


CASES = [
    ("f64", 1.5, None, 1.5),
    ("f32", 0.10000000149011612, None, 0.10000000149011612),
    ("f64", NAN, None, None),
    ("f64", NAN, "NaN", "NaN"),
    ("f64", NAN, "-Infinity", "-Infinity"),
    ("i64", 5.0, None, 5),
    ("i64", float(2**53), None, 2**53),
    ("i64", float(2**63), str(2**63 - 1), 2**63 - 1),
    ("i64", float(-(2**63)), str(-(2**63)), -(2**63)),
    ("u64", float(2**64), str(2**64 - 1), 2**64 - 1),
    ("bool", 1.0, None, True),
    ("bool", 0.0, None, False),
    ("bool", NAN, None, None),
    ("str", NAN, "配方 7", "配方 7"),
    ("str", NAN, "NaN", "NaN"),
    ("str", NAN, "123", "123"),
    ("str", NAN, None, None),
    ("json", NAN, '{"a":[1,18446744073709551615]}', {"a": [1, 2**64 - 1]}),
    ("json", NAN, "not json", "not json"),
    ("none", NAN, None, None),
]


@pytest.mark.parametrize(("kind", "value", "text", "expected"), CASES)
def test_one_value_and_a_column_agree(kind: str, value: float, text: str | None, expected: object):
    single = read_value(kind, value, text, Int64.NUMBER)
    (listed,) = read_values(kind, columns([value], None if text is None else [text]), Int64.NUMBER)
    assert single == listed == expected
    assert type(single) is type(listed) is type(expected)


@given(st.lists(st.integers(-(2**63), 2**64 - 1)))
def test_every_integer_is_exact(numbers: list[int]):
    texts = [str(number) if abs(number) > 2**53 else None for number in numbers]
    stored = columns([float(number) for number in numbers], texts)
    assert read_values("i64", stored, Int64.NUMBER) == numbers
    assert read_values("i64", stored, Int64.STRING) == [str(number) for number in numbers]


def test_strings_for_javascript_touch_only_64_bit_kinds():
    assert read_values("i64", columns([1, NAN]), Int64.STRING) == ["1", None]
    assert read_values("f64", columns([1]), Int64.STRING) == [1.0]
    assert read_value("u64", 7.0, None, Int64.STRING) == "7"


def test_digits_of_a_minimum():
    assert read_digits("9223372036854775807", Int64.NUMBER) == 2**63 - 1
    assert read_digits("9223372036854775807", Int64.STRING) == "9223372036854775807"
    assert read_digits(1.5, Int64.STRING) == 1.5
    assert read_digits(None, Int64.NUMBER) is None
