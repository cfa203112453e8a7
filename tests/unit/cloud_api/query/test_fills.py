"""Filled values say that they were not measured; nothing is made up in the future, and Bad stays Bad."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.query.aggregates.names import Aggregate
from cloud_api.query.bucketed import Bucketed, Found
from cloud_api.query.fills import BETWEEN, HELD, Fill, filled
from schemas.status import BAD, BAD_NO_DATA, BAD_SENSOR_FAILURE, GOOD

STARTS = np.arange(6, dtype=np.int64) * 10
LATER = 1_000


def bucketed(values: list[float | None], codes: list[int] | None = None) -> Bucketed:
    made = [BAD_NO_DATA if value is None else GOOD for value in values] if codes is None else codes
    has_samples = np.array([code != BAD_NO_DATA for code in made])
    found = {
        Aggregate.AVERAGE: Found(values, np.array(made, np.uint32)),
        Aggregate.COUNT: Found([int(each) for each in has_samples], np.array(made, np.uint32)),
    }
    return Bucketed(found, has_samples)


def averages(made: Bucketed) -> list[tuple[object, int]]:
    found = made.found[Aggregate.AVERAGE]
    return list(zip(found.values, found.codes.tolist(), strict=True))


def test_previous_holds_the_value_before_and_says_so():
    made = filled(bucketed([None, 1.0, None, None, 4.0, None]), Fill.PREVIOUS, STARTS, LATER, stepped=False)
    expected = [(None, BAD_NO_DATA), (1.0, GOOD), (1.0, HELD), (1.0, HELD), (4.0, GOOD), (4.0, HELD)]
    assert averages(made) == expected


def test_linear_ends_at_the_last_value():
    made = filled(bucketed([None, 1.0, None, None, 4.0, None]), Fill.LINEAR, STARTS, LATER, stepped=False)
    expected = [(None, BAD_NO_DATA), (1.0, GOOD), (2.0, BETWEEN), (3.0, BETWEEN), (4.0, GOOD), (None, BAD_NO_DATA)]
    assert averages(made) == expected


def test_a_state_has_no_line():
    made = filled(bucketed([1.0, None, 0.0, None, 1.0, 1.0]), Fill.LINEAR, STARTS, LATER, stepped=True)
    assert averages(made)[1] == (1.0, HELD)


def test_nothing_stands_in_the_future():
    made = filled(bucketed([1.0, None, None, None, None, None]), Fill.PREVIOUS, STARTS, 25, stepped=False)
    assert [value for value, _ in averages(made)] == [1.0, 1.0, 1.0, None, None, None]


def test_a_bucket_of_bad_samples_stays_bad():
    codes = [GOOD, BAD_SENSOR_FAILURE, BAD_NO_DATA, GOOD, GOOD, GOOD]
    values = [1.0, None, None, 4.0, 5.0, 6.0]
    made = filled(bucketed(values, codes), Fill.PREVIOUS, STARTS, LATER, stepped=False)
    assert averages(made)[1] == (None, BAD_SENSOR_FAILURE)
    assert averages(made)[2] == (1.0, HELD)


def test_counts_of_nothing_stay_nothing():
    made = filled(bucketed([1.0, None, None, None, None, 2.0]), Fill.PREVIOUS, STARTS, LATER, stepped=False)
    assert made.found[Aggregate.COUNT].values == [1, 0, 0, 0, 0, 1]
    assert made.found[Aggregate.COUNT].codes[1] >= BAD


@given(
    st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=30), st.sampled_from([Fill.PREVIOUS, Fill.LINEAR])
)
def test_what_was_measured_is_never_changed(values: list[float | None], fill: Fill):
    starts = np.arange(len(values), dtype=np.int64)
    made = averages(filled(bucketed(values), fill, starts, LATER, stepped=False))
    known = [value for value in values if value is not None]
    for before, (value, code) in zip(values, made, strict=True):
        if before is not None:
            assert (value, code) == (before, GOOD)
        elif value is not None:
            assert code in {HELD, BETWEEN}
            assert isinstance(value, float)
            assert min(known) - 1e-6 <= value <= max(known) + 1e-6
