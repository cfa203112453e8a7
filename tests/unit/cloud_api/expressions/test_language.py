"""What may be written: operators as everybody expects them, and refusals that say where and what is allowed."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.expressions.language import MAX_CHARACTERS, parse
from cloud_api.expressions.refusal import ExpressionInvalid, refusal
from cloud_api.expressions.scalars import Scalar
from cloud_api.expressions.tree import Reference

X = {"x": Scalar(3.0, 0), "y": Scalar(4.0, 0)}
VARIABLES = {"x": "x", "y": "y"}


def value(text: str) -> float:
    return parse(text, VARIABLES).evaluate_scalar(X, 0).value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x + y * 2", 11),
        ("(x + y) * 2", 14),
        ("x - y - 1", -2),
        ("y / 2 / 2", 1),
        ("-x ** 2", -9),
        ("2 ** x ** 0", 2),
        ("2 ** -1 + 0*x", 0.5),
        ("-7 % x", 2),
        ("+x", 3),
        ("1 < x <= 3", 1),
        ("1 < x < 3", 0),
        ("not x > 3 and y == 4", 1),
        ("x > 5 or y != 4 or true", 1),
        ("1 if x > 3 else 2 if y > 3 else 3", 2),
        ("(1 if x > 2 else 2) + 10", 11),
        ("min(x, y, 2) + max(x, y)", 6),
        ("clamp(x, 0, 2.5)", 2.5),
        ("abs(-x) + sign(-y)", 2),
        ("sqrt(x ** 2 + y ** 2)", 5),
        ("round(x / 8, 2)", 0.38),
        ("round(2.5) + floor(x / 2) + ceil(x / 2) + 0 * x", 5),
        ("ln(exp(x))", 3),
        ("log10(1e3 * x / x)", 3),
        ("(x > 1) + (y > 1)", 2),
        ("x*.5", 1.5),
        ("x if true else y", 3),
        ("notx if false else x", 3),
    ],
)
def test_operators_bind_as_everybody_expects(text: str, expected: float):
    variables = VARIABLES | {"notx": "x"}
    assert math.isclose(parse(text, variables).evaluate_scalar(X, 0).value, expected, rel_tol=1e-12)


def test_series_are_named_by_quoted_path_or_by_variable():
    expression = parse('"a/b c/温度" - \'热/d"q\' + 电流', {"电流": 7})
    assert expression.names == ("a/b c/温度", '热/d"q', 7)
    assert not expression.is_boolean
    assert not expression.has_memory


def test_a_name_has_one_form_however_it_was_typed():
    assert parse('"caf\u0065\u0301/x" + e\u0301', {"\u00e9": 1}).names == ("caf\u00e9/x", 1)


def test_aggregates_stand_for_series_where_the_caller_offers_them():
    expression = parse('maximum("a") - minimum("a") + rate("a" * 2) + rate("b")', {}, {"maximum", "minimum", "rate"})
    assert expression.references == (
        Reference("a", "maximum"),
        Reference("a", "minimum"),
        Reference("a"),
        Reference("b", "rate"),
    )
    assert expression.names == ("a", "b")
    assert expression.has_memory


@pytest.mark.parametrize(
    ("text", "position", "says", "allows"),
    [
        ("", 0, "the end", "a number"),
        ("x +", 3, "the end comes too early", "a number"),
        ("x ^ 2", 2, "`^ 2`", "**"),
        ("x = 2", 2, "not understood", "=="),
        ("x & y", 2, "not understood", "and"),
        ("x y", 2, "`y`", "an operator"),
        ("x 电", 2, "`电`", "an operator"),
        ("x if y", 6, "comes too early", "else"),
        ("(x", 2, "comes too early", ")"),
        ("'x", 0, "is not closed", "a number"),
        ("x + z", 4, "`z` is not a declared variable", "x, y"),
        ("power(x)", 0, "`power` is not a function", "abs"),
        ("maximum(x)", 0, "is not a function", "abs"),
        ("sqrt(x, y)", 0, "has 2 operands", "1 operands"),
        ("min(x)", 0, "has 1 operands", "2 to 20"),
        ("round(x, y)", 0, "needs its digits", "0 to 15"),
        ("x + 1e999", 4, "too large", "1.8e308"),
        ("x + 'a//b'", 4, "is no path", "12 levels"),
        ("1 + 1", 0, "names no series", "at least one"),
        ("__import__('os')", 0, "is not a function", "abs"),
        ("x.real", 1, "not understood", "an operator"),
        ("x[0]", 1, "not understood", "an operator"),
        ("lambda: x", 6, "not understood", "an operator"),
        ("x\n  +\n  z", 8, "is not a declared variable", "x, y"),
    ],
)
def test_refuses_with_place_and_what_is_allowed(text: str, position: int, says: str, allows: str):
    with pytest.raises(ExpressionInvalid) as caught:
        parse(text, VARIABLES)
    assert caught.value.position == position
    assert f"at character {position + 1}," in str(caught.value)
    assert says in str(caught.value)
    assert allows in caught.value.allowed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x" + " " * MAX_CHARACTERS, "characters"),
        ("x" + "+x" * 300, "too"),
        ("-" * 1_900 + "x", "nested too deeply"),
        ("not " * 400 + "x", "nested too deeply"),
        ("sqrt(" * 100 + "x" + ")" * 100, "nested too deeply"),
        ("min(" + ",".join(["x"] * 19 + ["min(x,x,x,x,x,x,x,x,x,x,x)"] * 1) + ")" + "+1" * 90, "too"),
        ("+".join(f"'p/{index}'" for index in range(51)), "too"),
    ],
)
def test_limits_hold_before_anything_is_computed(text: str, says: str):
    with pytest.raises(ExpressionInvalid, match=says):
        parse(text, VARIABLES)


def test_parentheses_cost_nothing():
    assert parse("(" * 900 + "x" + ")" * 900, VARIABLES).evaluate_scalar(X, 0).value == 3


def test_many_series_are_refused():
    text = (
        "max("
        + ",".join(f"max({','.join(repr(f'p/{row}/{column}') for column in range(17))})" for row in range(3))
        + ")"
    )
    with pytest.raises(ExpressionInvalid, match="names 51 series"):
        parse(text)


@given(st.text(max_size=60) | st.text("xy+-*/()<>='\". 12andornotifelse", max_size=60))
def test_any_text_is_read_or_refused(text: str):
    with suppress(ExpressionInvalid):
        parse(text, VARIABLES)


def test_a_refusal_is_a_problem_with_the_position():
    with pytest.raises(ExpressionInvalid) as caught:
        parse("x +* y", VARIABLES)
    problem = refusal(caught.value, "expression")
    assert (problem.fields[0].field, problem.fields[0].value) == ("expression", "x +* y")
    assert problem.more == {"position": 3}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("a - b", "A"),
        ("a + 5", "A"),
        ("a - v", None),
        ("a * 2", None),
        ("a / b", None),
        ("rate(a)", "A/s"),
        ("derivative(a - b)", "A/s"),
        ("delta(-a)", "A"),
        ("max(a, b, 0)", "A"),
        ("a if v > 3 else b", "A"),
        ("a > b", None),
        ("a - unknown", None),
        ("abs(round(a, 1)) % b", "A"),
        ("maximum(a) - minimum(b)", "A"),
        ("percent_good(a)", "%"),
        ("count(a)", None),
    ],
)
def test_units_are_kept_where_they_are_simple(text: str, unit: str | None):
    units = {"a": "A", "b": "A", "v": "V", "unknown": None}
    expression = parse(text, {name: name for name in units}, {"maximum", "minimum", "percent_good", "count"})
    assert expression.unit(units) == unit
