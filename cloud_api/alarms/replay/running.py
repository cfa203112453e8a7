"""One plan over columns of samples: only what is not quiet reaches the engine, and gives what all would give (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan

import numpy as np

from cloud_api.alarms.evaluation.engine import Change, advance, begin_watch, new_state
from cloud_api.alarms.evaluation.joint import joint_readings
from cloud_api.alarms.evaluation.plan import Kind, Plan
from cloud_api.alarms.evaluation.quiet import quiet_band
from cloud_api.alarms.evaluation.state import Reading, State
from cloud_api.expressions.over_time import Memory
from cloud_api.storage.columns import SampleColumns
from schemas.status import BAD

# Kinds whose measure is the value itself, so that numpy can find what the engine must see.
BY_VALUE = frozenset({Kind.LIMIT, Kind.DISCRETE, Kind.BAD_QUALITY})
JOINT = frozenset({Kind.DEVIATION, Kind.EXPRESSION})
_BLOCK = 4096


@dataclass(slots=True)
class Run:
    """A plan on its way through history."""

    plan: Plan
    state: State
    changes: list[Change] = field(default_factory=list[Change])
    held: dict[int, Reading] = field(default_factory=dict[int, Reading])
    memory: Memory = field(default_factory=dict)


def start(plan: Plan, from_us: int) -> Run:
    """Stand at the beginning of the window; a watchdog waits from here."""
    return Run(plan, begin_watch(plan, new_state(plan), from_us))


def carry_on(run: Run, columns: Mapping[int, SampleColumns]) -> None:
    """Take the next samples of every series of the plan."""
    if run.plan.kind in JOINT:
        samples = {series_id: readings_of(each) for series_id, each in columns.items()}
        _take(run, joint_readings(run.plan, run.held, samples, run.memory))
        run.held |= {series_id: readings[-1] for series_id, readings in samples.items() if readings}
        return
    for each in columns.values():
        if run.plan.kind in BY_VALUE and each.texts is None:
            _carry_on_quickly(run, each)
        else:
            _take(run, readings_of(each))


def finish(run: Run, to_us: int) -> list[Change]:
    """Let the delays run out to the end of the window."""
    advanced = advance(run.plan, run.state, [], until_us=to_us)
    run.state = advanced.state
    return run.changes + [change for change in advanced.changes if change.at_us < to_us]


def readings_of(columns: SampleColumns, first: int = 0, last: int | None = None) -> list[Reading]:
    """Make what the engine reads of columns."""
    chosen = slice(first, last)
    times, statuses = columns.times_us[chosen].tolist(), columns.statuses[chosen].tolist()
    values = [None if isnan(value) else value for value in columns.values[chosen].tolist()]
    texts = [None] * len(times) if columns.texts is None else columns.texts[chosen]
    return [Reading(*each) for each in zip(times, values, statuses, texts, strict=True)]


def _carry_on_quickly(run: Run, columns: SampleColumns) -> None:
    """Jump from one sample that may change something to the next; the one before it goes along for its value."""
    position, fed = 0, 0
    while position < len(columns):
        found = _next_loud(run, columns, position)
        if found is None:
            break
        _take(run, readings_of(columns, max(found - 1, fed), found + 1))
        position = fed = found + 1
    if fed < len(columns):
        _take(run, readings_of(columns, len(columns) - 1))


def _next_loud(run: Run, columns: SampleColumns, position: int) -> int | None:
    low, high, is_bad, wake_us = quiet_band(run.plan, run.state)
    if run.state.time_us is None:
        return position
    while position < len(columns):
        block = slice(position, position + _BLOCK)
        values, bad = columns.values[block], columns.statuses[block] >= BAD
        if run.plan.kind is not Kind.BAD_QUALITY:
            bad |= np.isnan(values)
        loud = (bad != is_bad) | (~bad & ~((values >= low) & (values <= high)))
        loud |= columns.times_us[block] >= wake_us
        if loud.any():
            return position + int(loud.argmax())
        position += _BLOCK
    return None


def _take(run: Run, readings: list[Reading]) -> None:
    if readings:
        advanced = advance(run.plan, run.state, readings)
        run.state = advanced.state
        run.changes += advanced.changes
