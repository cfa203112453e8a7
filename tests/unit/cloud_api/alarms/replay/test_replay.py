"""Replay: jumping over quiet samples changes nothing, comparisons add up, advice is what the arithmetic says."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.alarms.evaluation.engine import Change, ChangeKind, advance, new_state
from cloud_api.alarms.evaluation.plan import Kind, LevelPlan, Plan
from cloud_api.alarms.replay.advice import MARGIN, WorstRates, advise, look_for_worst, over_for
from cloud_api.alarms.replay.comparing import Episode, compare, episodes_of
from cloud_api.alarms.replay.running import carry_on, finish, readings_of, start
from cloud_api.storage.columns import SampleColumns
from schemas.status import BAD, GOOD

S = 1_000_000


def columns(rows: list[tuple[int, float | None, int]]) -> SampleColumns:
    return SampleColumns(
        np.array([row[0] for row in rows], np.int64),
        np.array([np.nan if row[1] is None else row[1] for row in rows], np.float64),
        np.array([row[2] for row in rows], np.uint32),
        None,
    )


def plan(kind: Kind = Kind.LIMIT, **level: Any) -> Plan:
    usual = {"name": "hi", "limit": 5.0, "deadband": 1.0}
    outer = LevelPlan(name="hihi", limit=8.0, deadband=0.5, on_delay_us=level.get("on_delay_us", 0))
    levels = (outer, LevelPlan(**(usual | level))) if kind is Kind.LIMIT else (LevelPlan(**level),)
    return Plan("d", 1, "a/b", "n", kind, levels, series_id=1, states=(3.0, 4.0), after_us=5 * S)


@settings(max_examples=200)
@given(
    st.sampled_from([Kind.LIMIT, Kind.DISCRETE, Kind.BAD_QUALITY]),
    st.lists(
        st.tuples(st.integers(1, 20), st.sampled_from([None, 1.0, 3.0, 4.0, 4.5, 5.0, 6.0, 9.0]), st.booleans()),
        max_size=60,
    ),
    st.sampled_from([0, 3 * S, 30 * S]),
    st.sampled_from([0, 7 * S]),
    st.integers(1, 60),
)
def test_jumping_over_quiet_samples_changes_nothing(
    kind: Kind, steps: list[tuple[int, float | None, bool]], on_us: int, off_us: int, slice_size: int
):
    rows: list[tuple[int, float | None, int]] = []
    time = 0
    for wait, value, is_bad in steps:
        time += wait * S
        rows.append((time, value, BAD if is_bad else GOOD))
    tried = plan(kind, on_delay_us=on_us, off_delay_us=off_us)
    run = start(tried, 0)
    for first in range(0, len(rows), slice_size):
        carry_on(run, {1: columns(rows[first : first + slice_size])})
    state, expected = advance(tried, new_state(tried), readings_of(columns(rows)))
    expected = expected + advance(tried, state, [], until_us=time + 100 * S).changes
    found = finish(run, time + 100 * S)
    assert [(each.kind, each.at_us, each.level) for each in found] == [
        (each.kind, each.at_us, each.level) for each in expected
    ]


def change(kind: ChangeKind, at_s: int) -> Change:
    return Change(kind, at_s * S, 0, None, 0)


def test_a_change_of_level_is_the_same_alarm_and_the_window_ends_the_last():
    turns = [ChangeKind.RAISE, ChangeKind.LEVEL, ChangeKind.CLEAR, ChangeKind.RAISE]
    changes = [change(kind, 10 * place) for place, kind in enumerate(turns)]
    assert episodes_of("p", changes, 100 * S) == [Episode("p", 0, 20 * S), Episode("p", 30 * S, 100 * S)]


def test_later_earlier_vanished_and_new():
    before = [Episode("p", 0, 10), Episode("p", 20, 30), Episode("p", 40, 50), Episode("q", 0, 10)]
    after = [Episode("p", 4, 10), Episode("p", 18, 30), Episode("p", 60, 70), Episode("q", 0, 10)]
    found = compare(before, after)
    assert (found.before, found.after, found.kept) == (4, 4, 3)
    assert [(each.before_us, each.delay_us) for each in found.later] == [(0, 4)]
    assert [(each.before_us, each.delay_us) for each in found.earlier] == [(20, -2)]
    assert found.vanished == (Episode("p", 40, 50),)
    assert found.new == (Episode("p", 60, 70),)


stretches = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12).map(
    lambda pairs: [
        Episode("p", sum(a + b for a, b in pairs[:n]) + pairs[n][0], sum(a + b for a, b in pairs[: n + 1]))
        for n in range(len(pairs))
    ]
)


@given(stretches, stretches)
def test_every_alarm_is_counted_once(before: list[Episode], after: list[Episode]):
    found = compare(before, after)
    assert found.kept + len(found.vanished) == len(before)
    assert found.kept + len(found.new) == len(after)
    assert len(found.later) + len(found.earlier) <= found.kept
    assert compare(before, before).kept == len(before)


def test_a_limit_that_leaves_too_little_time_is_told_where_it_should_be():
    worst = WorstRates(over_for(60))
    # A rise of 0.1 a second for a minute, and a fall of 0.02.
    rows = [(n * S, 20 + 0.1 * min(n, 60) - 0.02 * max(0, n - 60), GOOD) for n in range(200)]
    look_for_worst(worst, columns(rows))
    assert worst.rise == pytest.approx(0.1)
    assert worst.fall == pytest.approx(0.02)
    limit = Plan("d", 1, "a/b", "n", Kind.LIMIT, (LevelPlan(name="hi", limit=95.0),), series_id=1)
    (advice,) = advise(limit, worst, 60, None, 100.0)
    assert advice.time_needed_s == 60 * MARGIN
    assert advice.time_left_s == pytest.approx(50)
    assert not advice.is_enough
    assert advice.advised_limit == pytest.approx(100 - 0.1 * 90)
    low = Plan("d", 1, "a/b", "n", Kind.LIMIT, (LevelPlan(name="lo", is_high=False, limit=5.0),), series_id=1)
    (advice,) = advise(low, worst, 60, 0.0, None)
    assert advice.time_left_s == pytest.approx(250)
    assert advice.is_enough


def test_an_inner_level_has_the_outer_one_as_its_consequence():
    worst = WorstRates(S, rise=1.0)
    two = (LevelPlan(name="hihi", limit=90.0), LevelPlan(name="hi", limit=80.0))
    found = advise(Plan("d", 1, "p", "n", Kind.LIMIT, two, series_id=1), worst, 4, None, 100.0)
    assert [(each.level, each.consequence, each.time_left_s) for each in found] == [
        ("hihi", 100.0, 10.0),
        ("hi", 90.0, 10.0),
    ]
    assert len(advise(Plan("d", 1, "p", "n", Kind.LIMIT, two, series_id=1), worst, 4, None, None)) == 1


def test_noise_between_neighbours_is_no_rate():
    worst = WorstRates(over_for(600))
    rows = [(n * S // 10, 10 + (n % 2), GOOD) for n in range(2000)]
    look_for_worst(worst, columns(rows))
    assert worst.rise <= 1 / 30
