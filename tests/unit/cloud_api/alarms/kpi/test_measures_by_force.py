"""KPIs against a reference that walks rows in plain Python and asks every instant for its state.

The reference knows no arrays and no stretches: it replays all rows of an alarm up to an instant, each time anew.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.alarms.kpi.measures import AlarmCount, Measures, Window, measure
from cloud_api.alarms.kpi.streams import PRIORITIES, PRIORITY_SHIFT, Hidden, JournalColumns, RowFlag

S = 1_000_000
MIN, HOUR, DAY = 60 * S, 3600 * S, 86_400 * S
FLEETING = 10 * S


@dataclass(frozen=True)
class Row:
    """One journal row as the life cycle writes it."""

    time: int
    alarm: int
    event: str
    is_hidden: bool
    is_waiting: bool
    was_hidden: bool
    was_waiting: bool
    priority: str

    @property
    def flags(self) -> int:
        flags = PRIORITIES.index(self.priority) << PRIORITY_SHIFT
        flags |= RowFlag.RAISED * (self.event == "raise") | RowFlag.CLEARED * (self.event == "clear")
        flags |= RowFlag.HIDDEN * self.is_hidden | RowFlag.UNACKNOWLEDGED * self.is_waiting
        flags |= RowFlag.LIFTED * (self.event == "lift")
        flags |= RowFlag.UNCOVERED * (self.was_hidden and not self.is_hidden)
        return flags | RowFlag.REALARMED * (self.event == "raise" and self.was_waiting)


def live(actions: list[tuple[int, int, str, str]]) -> list[Row]:
    """Play actions on alarms as a life cycle would; what changes nothing writes no row."""
    memory: dict[int, tuple[bool, bool, bool]] = {}
    rows: list[Row] = []
    for time, alarm, action, priority in actions:
        active, waiting, hidden = memory.get(alarm, (False, False, False))
        was = (active, waiting, hidden)
        match action:
            case "raise" if not active:
                active, waiting = True, not hidden
            case "clear" if active:
                active = False
            case "acknowledge" if waiting and not hidden:
                waiting = False
            case "shelve" if not hidden:
                hidden, waiting = True, False
            case "lift" if active:
                waiting = not hidden
            case "unshelve" if hidden:
                hidden, waiting = False, active
            case _:
                continue
        memory[alarm] = (active, waiting, hidden)
        rows.append(Row(time, alarm, action, hidden, waiting, was[2], was[1], priority))
    return rows


def columns(rows: list[Row]) -> JournalColumns:
    ordered = sorted(rows, key=lambda row: (row.alarm, row.time))
    return JournalColumns(
        np.array([row.time for row in ordered], np.int64),
        np.array([row.alarm for row in ordered], np.int32),
        np.array([row.flags for row in ordered], np.int32),
    )


class Reference:
    """The same figures, one question at a time."""

    def __init__(self, rows: list[Row], window: Window) -> None:
        self.rows, self.window = rows, window
        self.alarms = sorted({row.alarm for row in rows})
        self.heard = [row for row in rows if window.from_us <= row.time < window.to_us and self.is_heard(row)]

    def is_heard(self, row: Row) -> bool:
        if self.window.hidden is Hidden.INCLUDE:
            return row.event in {"raise", "lift"}
        return (row.event in {"raise", "lift"} and not row.is_hidden) or (row.event == "unshelve" and row.is_waiting)

    def past(self, alarm: int, instant: int) -> list[Row]:
        return [row for row in self.rows if row.alarm == alarm and row.time <= instant]

    def active_since(self, alarm: int, instant: int) -> int | None:
        turns = [row for row in self.past(alarm, instant) if row.event in {"raise", "clear"}]
        return turns[-1].time if turns and turns[-1].event == "raise" else None

    def is_stale(self, alarm: int, instant: int) -> bool:
        since = self.active_since(alarm, instant)
        is_out_of_sight = (
            self.window.hidden is Hidden.EXCLUDE
            and self.past(alarm, instant)[-1:]
            and (self.past(alarm, instant)[-1].is_hidden)
        )
        return since is not None and instant - since >= DAY and not is_out_of_sight

    def instants(self) -> list[int]:
        marks = {row.time for row in self.rows} | {row.time + DAY for row in self.rows}
        marks |= {self.window.from_us, *self.window.midnights_us.tolist()}
        return sorted(mark for mark in marks if self.window.from_us <= mark < self.window.to_us)

    def counts(self, alarms: list[int]) -> list[AlarmCount]:
        found = [AlarmCount(alarm, alarms.count(alarm)) for alarm in sorted(set(alarms))]
        return sorted(found, key=lambda each: (-each.count, each.alarm))

    def chatter(self) -> list[AlarmCount]:
        parts: set[int] = set()
        for first, row in enumerate(self.heard):
            burst = [
                place
                for place, other in enumerate(self.heard)
                if other.alarm == row.alarm and place >= first and other.time <= row.time + MIN
            ]
            parts |= set(burst) if len(burst) >= 3 else set()
        return self.counts([self.heard[place].alarm for place in parts])

    def fleeting(self) -> list[AlarmCount]:
        found: list[int] = []
        for row in self.heard:
            clears = [
                other.time
                for other in self.rows
                if other.alarm == row.alarm and other.event == "clear" and other.time > row.time
            ]
            if (
                row.event == "raise"
                and clears
                and clears[0] < min(row.time + self.window.fleeting_us, self.window.to_us)
            ):
                found.append(row.alarm)
        return self.counts(found)

    def buckets(self) -> list[int]:
        start = self.window.from_us - self.window.from_us % (600 * S)
        counts: list[int] = []
        while start < self.window.to_us:
            counts.append(sum(start <= row.time < start + 600 * S for row in self.heard))
            start += 600 * S
        return counts

    def floods(self) -> list[tuple[int, int]]:
        start = self.window.from_us - self.window.from_us % (600 * S)
        began: int | None = None
        found: list[tuple[int, int]] = []
        for place, count in enumerate(self.buckets()):
            at = start + place * 600 * S
            if began is None and count > 10:
                began = max(at, self.window.from_us)
            elif began is not None and count < 5:
                found.append((began, at))
                began = None
        return found if began is None else [*found, (began, self.window.to_us)]

    def stale_by_day(self) -> list[int]:
        days = list(zip(self.window.midnights_us[:-1].tolist(), self.window.midnights_us[1:].tolist(), strict=True))
        return [
            sum(any(self.is_stale(alarm, at) for at in self.instants() if low <= at < high) for alarm in self.alarms)
            for low, high in days
        ]

    def longest(self, since: "list[tuple[int, int]]") -> int:
        return max((end - start for start, end in since if end > self.window.from_us), default=0)

    def active(self) -> list[tuple[int, int]]:
        return self.runs(lambda row: None if row.event not in {"raise", "clear"} else row.event == "raise")

    def waiting(self) -> list[tuple[int, int]]:
        return self.runs(lambda row: row.is_waiting)

    def runs(self, says: Callable[[Row], bool | None]) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for alarm in self.alarms:
            began: int | None = None
            for row in self.past(alarm, self.window.to_us - 1):
                said = says(row)
                if said and began is None:
                    began = row.time
                elif said is False and began is not None:
                    found.append((began, row.time))
                    began = None
            found += [] if began is None else [(began, self.window.to_us)]
        return found

    def maximum_rate(self) -> int:
        times = [row.time for row in self.heard]
        return max((sum(at - 600 * S < other <= at for other in times) for at in times), default=0)


def compare(rows: list[Row], window: Window) -> Measures:
    """Measure, and hold every figure against the reference."""
    given_rows = [row for row in rows if row.time < window.to_us]
    measured, reference = measure(columns(given_rows), window), Reference(given_rows, window)
    assert measured.annunciated == len(reference.heard)
    assert measured.alarm_count == len({row.alarm for row in reference.heard})
    assert measured.bucket_counts.tolist() == reference.buckets()
    assert [(flood.from_us, flood.to_us) for flood in measured.floods] == reference.floods()
    assert measured.top == reference.counts([row.alarm for row in reference.heard])[:10]
    assert measured.chattering == reference.chatter()
    assert measured.fleeting == reference.fleeting()
    assert measured.stale_by_day.tolist() == reference.stale_by_day()
    assert measured.standing == [alarm for alarm in reference.alarms if reference.is_stale(alarm, window.to_us - 1)]
    assert measured.by_priority == {name: sum(row.priority == name for row in reference.heard) for name in PRIORITIES}
    metrics = measured.metrics
    assert metrics.maximum_active_us == reference.longest(reference.active())
    assert metrics.maximum_unacknowledged_us == reference.longest(reference.waiting())
    assert metrics.maximum_rate == reference.maximum_rate()
    assert metrics.current_rate == sum(row.time >= window.to_us - 600 * S for row in reference.heard)
    realarmed = [row.alarm for row in reference.heard if row.event == "raise" and row.was_waiting]
    assert metrics.maximum_realarm_count == max((each.count for each in reference.counts(realarmed)), default=0)
    assert metrics.average_rate * window.span_us == pytest.approx(metrics.alarm_count * 600 * S)
    return measured


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Row], Window]:
    """Any actions in any rhythm, seen through any window and any rule about hidden alarms."""
    step = draw(st.sampled_from([S, 7 * S, 30 * S, 5 * MIN, 3 * HOUR]))
    action = st.sampled_from(["raise", "clear", "raise", "clear", "acknowledge", "shelve", "unshelve", "lift"])
    waits = st.integers(0, 12)
    drawn = draw(
        st.lists(st.tuples(waits, st.integers(0, 3), action, st.sampled_from(PRIORITIES)), min_size=0, max_size=60)
    )
    time, actions = 20_000 * DAY + draw(st.integers(0, 1439)) * MIN, list[tuple[int, int, str, str]]()
    for wait, alarm, what, priority in drawn:
        time += wait * step + S  # no two rows of one instant: their order would be the journal's number
        actions.append((time, alarm, what, priority))
    from_us = 20_000 * DAY + draw(st.integers(0, 3 * 1440)) * MIN
    to_us = from_us + draw(st.integers(1, 5 * 1440)) * MIN
    hidden = draw(st.sampled_from(list(Hidden)))
    return live(actions), Window(from_us, to_us, midnights(from_us, to_us), hidden, FLEETING)


def midnights(from_us: int, to_us: int) -> np.ndarray:
    return np.arange(from_us // DAY, -(-to_us // DAY) + 1, dtype=np.int64) * DAY


@settings(max_examples=250)
@given(streams())
def test_every_figure_is_that_of_the_reference(stream: tuple[list[Row], Window]):
    compare(*stream)


def plant(seed: int, days: int) -> list[Row]:
    """A plant's alarms: a quiet background, a chattering switch, a forgotten one, an upset, operators who shelve."""
    chance = random.Random(seed)
    actions: list[tuple[int, int, str, str]] = [(20_000 * DAY, 5, "raise", "low")]
    for day in range(days):
        base = (20_000 + day) * DAY
        for _ in range(30):
            at, alarm = base + chance.randrange(86_000) * S, chance.randrange(20)
            priority = chance.choices(PRIORITIES, [1, 5, 15, 80])[0]
            actions.append((at, alarm, "raise", priority))
            actions.append((at + chance.randrange(2, 3000) * S, alarm, "clear", priority))
            actions.append((at + chance.randrange(1, 600) * S, alarm, "acknowledge", priority))
        switch = base + chance.randrange(80_000) * S
        turns = [(switch + turn * 8 * S, 30, ("raise", "clear")[turn % 2], "high") for turn in range(12)]
        actions += turns
        if day % 3 == 1:
            upset = base + 6 * HOUR
            actions += [(upset + n * 20 * S, 100 + n, "raise", "medium") for n in range(40)]
            actions += [(upset + HOUR + n * S, 100 + n, "clear", "medium") for n in range(40)]
        actions.append((base + 9 * HOUR + 1, 5, "shelve" if day % 2 else "unshelve", "low"))
    seen: set[tuple[int, int]] = set()
    ordered = [action for action in sorted(actions) if action[:2] not in seen and not seen.add(action[:2])]
    return live(ordered)


def test_a_plant_of_six_days_is_measured_like_the_reference():
    rows = plant(7, 6)
    for hidden in Hidden:
        window = Window(20_000 * DAY, 20_006 * DAY, midnights(20_000 * DAY, 20_006 * DAY), hidden, FLEETING)
        measured = compare(rows, window)
        assert len(measured.floods) == 2
        assert measured.chattering[0].alarm == 30
        assert measured.stale_by_day.max() >= 1


def test_what_entered_the_window_standing_counts_from_its_raise():
    rows = live([(20_000 * DAY, 1, "raise", "high"), (20_003 * DAY, 1, "clear", "high")])
    window = Window(20_002 * DAY, 20_004 * DAY, midnights(20_002 * DAY, 20_004 * DAY))
    measured = compare(rows, window)
    assert measured.annunciated == 0
    assert measured.stale_by_day.tolist() == [1, 0]
    assert measured.metrics.maximum_active_us == 3 * DAY


def test_a_flood_has_a_hysteresis():
    counts = [0, 11, 5, 10, 4, 10, 0]
    actions = [
        (20_000 * DAY + place * 600 * S + n * S, place * 100 + n, "raise", "low")
        for place, count in enumerate(counts)
        for n in range(count)
    ]
    window = Window(20_000 * DAY, 20_000 * DAY + 7 * 600 * S, midnights(20_000 * DAY, 20_001 * DAY))
    (flood,) = compare(live(actions), window).floods
    assert (flood.from_us - window.from_us, flood.to_us - window.from_us) == (600 * S, 4 * 600 * S)
    assert (flood.alarm_count, flood.peak, flood.is_open) == (26, 11, False)
