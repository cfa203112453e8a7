"""Columns and single samples agree; Bad comes out where Bad went in; logic is Kleene's."""

import math
import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.expressions.columns import Column
from cloud_api.expressions.language import parse
from cloud_api.expressions.scalars import Scalar
from cloud_api.expressions.tree import ALL_FUNCTIONS
from schemas.status import (
    BAD,
    BAD_INVALID_ARGUMENT,
    BAD_NO_COMMUNICATION,
    BAD_NO_DATA,
    BAD_OUT_OF_RANGE,
    BAD_SENSOR_FAILURE,
    GOOD,
    INFO_OVERFLOW,
    UNCERTAIN,
    UNCERTAIN_SENSOR_NOT_ACCURATE,
    UNCERTAIN_SUB_NORMAL,
)

NAMES = ("x", "y", "z")
VARIABLES = {name: name for name in NAMES}
CODES = (GOOD, GOOD, GOOD, UNCERTAIN_SENSOR_NOT_ACCURATE, BAD_NO_COMMUNICATION, BAD_SENSOR_FAILURE, INFO_OVERFLOW)
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 2.5, -0.5, 1e308, -1e300, 1e-300, math.nan, math.inf, 7.0, 100.0])
SAMPLES = st.builds(Scalar, NUMBERS | st.floats(-1e6, 1e6), st.sampled_from(CODES))


def texts() -> st.SearchStrategy[str]:
    """Expressions of every operator and function."""
    leaves = st.sampled_from([*NAMES, "0", "1", "2.5", "true", "false"])

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        two = st.tuples(inner, inner)
        signs = st.sampled_from(["+", "-", "*", "/", "%", "**", "<", "<=", ">", ">=", "==", "!=", "and", "or"])
        one = st.sampled_from(["-", "not", *(name for name, (fewest, _) in ALL_FUNCTIONS.items() if fewest == 1)])
        return (
            st.tuples(two, signs).map(lambda each: f"({each[0][0]} {each[1]} {each[0][1]})")
            | st.tuples(one, inner).map(lambda each: f"({each[0]}({each[1]}))")
            | st.tuples(inner, inner, inner).map(lambda each: f"({each[0]} if {each[1]} else {each[2]})")
            | st.tuples(inner, inner, inner).map(lambda each: f"clamp({each[0]}, {each[1]}, {each[2]})")
            | st.tuples(inner, inner, inner).map(lambda each: f"({each[0]} < {each[1]} <= {each[2]})")
            | two.map(lambda each: f"min({each[0]}, {each[1]}, 3)")
            | two.map(lambda each: f"max({each[0]}, {each[1]})")
            | two.map(lambda each: f"coalesce({each[0]}, {each[1]})")
            | inner.map(lambda each: f"round({each}, 2)")
        )

    return st.recursive(leaves, grow, max_leaves=8).map(lambda text: f"{text} if true else x")


def columns_of(rows: list[tuple[Scalar, ...]]) -> dict[str, Column]:
    return {
        name: Column(
            np.array([row[index].value for row in rows], np.float64),
            np.array([row[index].status for row in rows], np.uint32),
        )
        for index, name in enumerate(NAMES)
    }


@settings(max_examples=300, deadline=None)
@given(
    texts(), st.lists(st.tuples(SAMPLES, SAMPLES, SAMPLES, st.integers(1, 10**7)), min_size=1, max_size=8), st.data()
)
def test_columns_and_single_samples_agree(text: str, rows: list[Any], data: st.DataObject):
    expression = parse(text, VARIABLES)
    times = np.cumsum([row[3] for row in rows]).astype(np.int64)
    inputs = [row[:3] for row in rows]
    memory: dict[str, list[float]] = {}
    one_by_one = [
        expression.evaluate_scalar(dict(zip(NAMES, row, strict=True)), int(time), memory)
        for row, time in zip(inputs, times, strict=True)
    ]
    at = data.draw(st.integers(0, len(rows)))
    kept: dict[str, list[float]] = {}
    parts = [
        expression.evaluate(columns_of(inputs[some]), times[some], kept) for some in (slice(0, at), slice(at, None))
    ]
    statuses = np.concatenate([each.statuses for each in parts]).tolist()
    values = np.concatenate([each.values for each in parts])
    assert statuses == [each.status for each in one_by_one]
    np.testing.assert_allclose(values, [each.value for each in one_by_one], rtol=1e-9)
    assert kept.keys() == memory.keys()
    for key, remembered in memory.items():
        np.testing.assert_allclose(kept[key], remembered, rtol=1e-9)
    for value, status in zip(values, statuses, strict=True):
        assert math.isfinite(value) == (status < BAD)


def status_of(text: str, **samples: Scalar) -> Scalar:
    variables = {name: name for name in samples}
    return parse(text, variables).evaluate_scalar(samples, 0)


def test_bad_in_is_bad_out_with_the_first_bad_code():
    x, y = Scalar(1, BAD_NO_COMMUNICATION), Scalar(2, BAD_SENSOR_FAILURE)
    assert status_of("x + y", x=x, y=y).status == BAD_NO_COMMUNICATION
    assert status_of("max(3, y, x)", x=x, y=y).status == BAD_SENSOR_FAILURE
    assert status_of("x > 3", x=x).status == BAD_NO_COMMUNICATION
    assert status_of("not x", x=x).status == BAD_NO_COMMUNICATION


def test_uncertain_stays_uncertain_and_information_bits_go():
    x = Scalar(1, UNCERTAIN_SENSOR_NOT_ACCURATE | INFO_OVERFLOW)
    assert status_of("x * 2", x=x) == Scalar(2.0, UNCERTAIN_SENSOR_NOT_ACCURATE)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("x / 0", BAD_INVALID_ARGUMENT),
        ("x % 0", BAD_INVALID_ARGUMENT),
        ("0 ** -x", BAD_INVALID_ARGUMENT),
        ("(-x) ** 0.5", BAD_INVALID_ARGUMENT),
        ("sqrt(-x)", BAD_INVALID_ARGUMENT),
        ("ln(x - x)", BAD_INVALID_ARGUMENT),
        ("clamp(x, 2, 1)", BAD_INVALID_ARGUMENT),
        ("exp(x * 1000)", BAD_OUT_OF_RANGE),
        ("10 ** (x * 400)", BAD_OUT_OF_RANGE),
        ("x * 1e308 * 10", BAD_OUT_OF_RANGE),
        ("9 ** 9 ** 9 + x", BAD_OUT_OF_RANGE),
        ("delta(x)", BAD_NO_DATA),
    ],
)
def test_what_has_no_result_is_bad_and_says_why(text: str, status: int):
    assert status_of(text, x=Scalar(1.0, GOOD)).status == status


def test_a_missing_value_is_bad_whatever_its_status_says():
    assert status_of("x + 1", x=Scalar(math.nan, GOOD)).status == BAD_NO_DATA


TRUE, FALSE, UNKNOWN = Scalar(1, GOOD), Scalar(0, GOOD), Scalar(1, BAD_SENSOR_FAILURE)


@pytest.mark.parametrize("left", [TRUE, FALSE, UNKNOWN])
@pytest.mark.parametrize("right", [TRUE, FALSE, UNKNOWN])
def test_logic_is_that_of_kleene(left: Scalar, right: Scalar):
    both = status_of("x and y", x=left, y=right)
    if FALSE in (left, right):
        assert both == FALSE
    else:
        assert both.status == (BAD_SENSOR_FAILURE if UNKNOWN in (left, right) else GOOD)
    either = status_of("x or y", x=left, y=right)
    if TRUE in (left, right):
        assert either == TRUE
    else:
        assert either.status == (BAD_SENSOR_FAILURE if UNKNOWN in (left, right) else GOOD)


def test_a_decision_is_as_sure_as_the_surest_that_decides():
    doubtful = Scalar(0, UNCERTAIN)
    assert status_of("x and y", x=doubtful, y=TRUE).status == UNCERTAIN
    assert status_of("x and y", x=doubtful, y=FALSE).status == GOOD
    assert status_of("x and y", x=doubtful, y=UNKNOWN).status == UNCERTAIN


def test_a_branch_that_is_not_taken_does_not_matter():
    assert status_of("1 if x else y", x=TRUE, y=UNKNOWN) == Scalar(1, GOOD)
    assert status_of("1 if y else 2 + 0 * x", x=TRUE, y=UNKNOWN).status == BAD_SENSOR_FAILURE
    assert status_of("1 / 0 if x else 2", x=FALSE) == Scalar(2, GOOD)


def test_statuses_can_be_asked_for():
    assert status_of("is_bad(x) and not is_good(x)", x=UNKNOWN) == TRUE
    assert status_of("is_uncertain(x)", x=Scalar(1, UNCERTAIN)) == TRUE
    assert status_of("coalesce(x, 7)", x=UNKNOWN) == Scalar(7, GOOD)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("delta", [None, 5.0, -8.0, None, 2.0]),
        ("derivative", [None, 5.0, -4.0, None, 0.5]),
        ("increase", [None, 5.0, 2.0, None, 2.0]),
        ("rate", [None, 5.0, 1.0, None, 0.5]),
    ],
)
def test_changes_look_back_to_the_last_sample_that_is_not_bad(function: str, expected: list[float | None]):
    values = Column(np.array([5.0, 10.0, 2.0, 0.0, 4.0]), np.array([0, 0, 0, BAD_SENSOR_FAILURE, 0], np.uint32))
    times = np.array([0, 1, 3, 5, 7], np.int64) * 1_000_000
    made = parse(f"{function}(x)", VARIABLES).evaluate({"x": values}, times)
    assert [None if math.isnan(each) else each for each in made.values.tolist()] == expected
    assert made.statuses.tolist() == [BAD_NO_DATA, GOOD, GOOD, BAD_SENSOR_FAILURE, UNCERTAIN_SUB_NORMAL]


def test_two_samples_of_one_instant_have_no_rate():
    memory: dict[str, list[float]] = {}
    expression = parse("rate(x)", VARIABLES)
    expression.evaluate_scalar({"x": Scalar(1, GOOD)}, 5, memory)
    assert expression.evaluate_scalar({"x": Scalar(2, GOOD)}, 5, memory).status == BAD_INVALID_ARGUMENT


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.sampled_from(["+", "-", "*"]))
def test_a_million_rows_are_plain_numpy(values: list[float], sign: str):
    operators = {"+": operator.add, "-": operator.sub, "*": operator.mul}
    column = Column(np.array(values), np.zeros(len(values), np.uint32))
    made = parse(f"x {sign} 2", VARIABLES).evaluate({"x": column}, np.arange(len(values), dtype=np.int64))
    np.testing.assert_array_equal(made.values, operators[sign](np.array(values), 2.0))
