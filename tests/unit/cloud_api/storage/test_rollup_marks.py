"""Marks cover every sample they were made of, in few bins, and name their series shortly."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.storage.rollup_marks import MANY_BINS, MINUTE_US, SLOT_US, marks_between, marks_of, multirange

DAY_US = 86_400_000_000
samples = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 400 * DAY_US)), min_size=1, max_size=200)


def ids_of(text: str) -> set[int]:
    """The series in a multirange."""
    pairs = [part.strip("[)").split(",") for part in text.strip("{}").replace("),[", ")|[").split("|")]
    return {one for low, high in pairs for one in range(int(low), int(high))}


@given(samples)
def test_every_sample_lies_under_a_mark_of_its_series(pairs: list[tuple[int, int]]) -> None:
    series, times = (np.array(part) for part in zip(*pairs, strict=True))
    marks = marks_of(series.astype(np.int32), times.astype(np.int64))
    for one, time in pairs:
        assert any(mark.from_us <= time < mark.to_us and one in ids_of(mark.series) for mark in marks)
    for mark in marks:
        width_us = mark.bin_minutes * MINUTE_US
        assert mark.bin_us % width_us == 0
        assert mark.bin_us <= mark.from_us < mark.to_us <= mark.bin_us + width_us
        assert mark.from_us % MINUTE_US == mark.to_us % MINUTE_US == 0
    assert len(marks) <= MANY_BINS


def test_a_late_second_of_many_series_is_one_mark_of_one_minute() -> None:
    marks = marks_of(np.arange(1, 10_001, dtype=np.int32), np.full(10_000, 7 * SLOT_US + 61_000_000))
    assert [(mark.from_us - 7 * SLOT_US, mark.to_us - 7 * SLOT_US, mark.series) for mark in marks] == [
        (MINUTE_US, 2 * MINUTE_US, "{[1,10001)}")
    ]


def test_a_stretch_is_cut_into_bins() -> None:
    marks = marks_between("{[1,2)}", 14 * MINUTE_US, 31 * MINUTE_US)
    assert [(mark.bin_us // MINUTE_US, mark.from_us // MINUTE_US, mark.to_us // MINUTE_US) for mark in marks] == [
        (0, 14, 15),
        (15, 15, 30),
        (30, 30, 31),
    ]
    assert len(marks_between("{[1,2)}", 0, 300 * DAY_US)) == 10


def test_a_multirange_names_runs() -> None:
    assert multirange(np.array([], np.int32)) == "{}"
    assert multirange(np.array([5, 1, 2, 3, 5, 9], np.int32)) == "{[1,4),[5,6),[9,10)}"
