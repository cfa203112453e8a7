"""From raw to engineering units: exact at the ends, Bad instead of bent, words for numbers."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge_agent.scaling import OutOfRange, RawRange, Scaling
from edge_agent.tables import CheckedTag
from schemas import status as codes
from schemas.sample import Kind

FINITE = st.floats(-1e9, 1e9)


@given(FINITE, FINITE, st.integers(-(2**31), 2**31), st.integers(-(2**31), 2**31))
def test_a_range_is_exact_at_both_ends(low: float, high: float, raw_low: int, raw_high: int):
    if raw_low == raw_high or not low < high:
        return
    scaling = Scaling(raw=RawRange(raw_low, raw_high), low=low, high=high, out_of_range=OutOfRange.BAD)
    assert scaling.apply(Kind.I64, raw_low, codes.GOOD) == (Kind.F64, low, codes.GOOD)
    assert scaling.apply(Kind.I64, raw_high, codes.GOOD) == (Kind.F64, high, codes.GOOD)


@pytest.mark.parametrize(
    ("raw", "value"),
    [((4000, 20000), 25.0), ((20000, 4000), 75.0)],
)
def test_a_range_may_be_turned_round(raw: tuple[float, float], value: float):
    scaling = Scaling(raw=RawRange(*raw), low=0.0, high=100.0)
    assert scaling.apply(Kind.U64, 8000, codes.GOOD) == (Kind.F64, value, codes.GOOD)


def test_what_lies_outside_the_raw_range_is_clamped_or_bad_as_asked():
    clamped = Scaling(raw=RawRange(4000, 20000), low=0.0, high=100.0, out_of_range=OutOfRange.LIMIT)
    assert clamped.apply(Kind.U64, 3000, codes.GOOD) == (Kind.F64, 0.0, codes.GOOD_CLAMPED)
    bad = Scaling(raw=RawRange(4000, 20000), low=0.0, high=100.0, out_of_range=OutOfRange.BAD)
    assert bad.apply(Kind.U64, 3000, codes.GOOD) == (Kind.NONE, None, codes.BAD_OUT_OF_RANGE)
    open_ended = Scaling(raw=RawRange(0, 100), low=0.0, high=10.0)
    assert open_ended.apply(Kind.F64, math.inf, codes.GOOD) == (Kind.F64, math.inf, codes.GOOD)
    assert open_ended.apply(Kind.U64, 10**400, codes.GOOD) == (Kind.NONE, None, codes.BAD_OUT_OF_RANGE)


def test_words_for_numbers_and_bits():
    scaling = Scaling(words={0: "off", 1: "on"})
    assert scaling.apply(Kind.U64, 1, codes.GOOD) == (Kind.STR, "on", codes.GOOD)
    assert scaling.apply(Kind.BOOL, True, codes.GOOD) == (Kind.STR, "on", codes.GOOD)
    assert scaling.apply(Kind.I64, 7, codes.GOOD) == (Kind.STR, "7", codes.UNCERTAIN)
    assert scaling.apply(Kind.F64, 1.0, codes.GOOD) == (Kind.NONE, None, codes.BAD_CONFIGURATION_ERROR)


def test_words_of_a_tag_list():
    assert CheckedTag.model_validate({"name": "a", "enum": "0=off; 2 = on"}).enum == {0: "off", 2: "on"}
    assert CheckedTag.model_validate({"name": "a", "enum": {"0": "off"}}).enum == {0: "off"}


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"raw_low": 0, "raw_high": 27648}, "belong together: name all four"),
        ({"raw_low": 0, "low": 0, "high": 10}, "belong together: name all four"),
        ({"raw_low": 5, "raw_high": 5, "low": 0, "high": 10}, "should differ"),
        ({"raw_low": 0, "raw_high": 5, "low": 0, "high": 10, "scale": 2}, "in place of scale and offset"),
        ({"enum": {"0": "off"}, "scale": 2}, "have no effect"),
        ({"enum": {}}, "at least 1 item"),
        ({"enum": "off"}, "valid integer"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(keys: dict[str, Any], complaint: str):
    with pytest.raises(ValidationError, match=complaint):
        CheckedTag.model_validate({"name": "a", **keys})
