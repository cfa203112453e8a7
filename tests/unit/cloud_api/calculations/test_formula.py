"""A formula says the same of an instant wherever the window begins, and holds what its inputs said."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.calculations.again import merged
from cloud_api.calculations.formula import evaluate, make_formula
from cloud_api.expressions.language import parse
from cloud_api.storage.columns import SampleColumns, concatenate

IDS = {"a": 1, "b": 2}
BAD, BAD_NO_DATA = 0x80000000, 0x809B0000
TEXTS = ("a + b", "rate(a) * b", "delta(a) - delta(b)", "a if is_bad(b) else b", "coalesce(increase(b), a)")


def formula_of(text: str):
    """A formula over `a` and `b`."""
    return make_formula(parse(text, {name: name for name in IDS}), IDS, {})


def samples_of(*rows: tuple[int, float | None]) -> SampleColumns:
    """Samples; None is Bad."""
    return SampleColumns(
        np.array([time for time, _ in rows], np.int64),
        np.array([np.nan if value is None else value for _, value in rows], np.float64),
        np.array([BAD if value is None else 0 for _, value in rows], np.uint32),
        None,
    )


series = st.dictionaries(st.integers(0, 60), st.one_of(st.none(), st.integers(0, 9).map(float)), min_size=1).map(
    lambda rows: samples_of(*sorted(rows.items()))
)


def before(samples: SampleColumns, from_us: int, *, looks_back: bool) -> SampleColumns:
    """What the database hands over of the time before a window."""
    earlier = np.flatnonzero(samples.times_us < from_us)
    usable = earlier[samples.statuses[earlier] < BAD][-2:] if looks_back else earlier[:0]
    bad = [each for each in earlier if len(usable) and usable[0] < each < usable[-1]][:1]
    return samples.take(np.unique([*usable, *earlier[-1:], *bad]).astype(np.int64))


@given(series, series, st.integers(0, 60), st.integers(1, 60), st.sampled_from(TEXTS))
def test_a_window_is_a_part_of_the_whole(a: SampleColumns, b: SampleColumns, begin: int, width: int, text: str):
    formula = formula_of(text)
    whole = evaluate(formula, {1: a, 2: b}, 0, 1000)
    inside = {
        number: concatenate(
            [
                before(each, begin, looks_back=number in formula.looking_back),
                each.take(np.flatnonzero((each.times_us >= begin) & (each.times_us < begin + width))),
            ]
        )
        for number, each in ((1, a), (2, b))
    }
    part = evaluate(formula, inside, begin, begin + width)
    expected = whole.take(np.flatnonzero((whole.times_us >= begin) & (whole.times_us < begin + width)))
    assert part.times_us.tolist() == expected.times_us.tolist()
    assert part.statuses.tolist() == expected.statuses.tolist()
    assert np.array_equal(part.values, expected.values, equal_nan=True)


def test_a_value_holds_until_the_next_and_bad_stays_bad():
    made = evaluate(
        formula_of("a + b"), {1: samples_of((1, 1.0), (4, None)), 2: samples_of((2, 10.0), (5, 20.0))}, 0, 9
    )
    assert made.times_us.tolist() == [1, 2, 4, 5]
    assert made.statuses.tolist() == [BAD_NO_DATA, 0, BAD, BAD]
    assert made.values.tolist()[1] == 11.0


def test_a_rate_is_of_its_own_samples_and_not_of_others():
    a, b = samples_of((0, 0.0), (2_000_000, 4.0)), samples_of((1_000_000, 1.0), (3_000_000, 2.0))
    made = evaluate(formula_of("rate(a) + 0 * b"), {1: a, 2: b}, 0, 9_000_000)
    assert made.values.tolist()[2:] == [2.0, 2.0]


def test_a_retired_series_says_nothing_more():
    made = evaluate(formula_of("a + b"), {1: samples_of((1, 1.0)), 2: samples_of((1, 2.0), (5, 3.0))}, 0, 9, {1: 4})
    assert made.statuses.tolist() == [0, BAD_NO_DATA]


def test_what_is_calculated_on_the_fly_is_put_in_its_place():
    inner = formula_of("a * 2")
    outer = make_formula(parse("x + rate(b)", {"x": "x", "b": "b"}), {"x": 9, "b": 2}, {9: inner})
    assert outer.series_ids == (1, 2)
    made = evaluate(outer, {1: samples_of((0, 3.0)), 2: samples_of((0, 0.0), (1_000_000, 5.0))}, 1, 2_000_000)
    assert made.values.tolist() == [11.0]


def test_stretches_that_touch_are_one():
    assert merged([(5, 9), (1, 5), (20, 30), (0, 2)], 1, 25) == [(1, 9), (20, 25)]
