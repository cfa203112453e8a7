"""What the alarm leader evaluates: conditions of several series and watchdogs, once, by a stored cursor a group.

All of a step is one transaction: samples read, states, transitions, cursors. Memory follows after COMMIT.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from cloud_api.alarms.evaluation.adapting import begin
from cloud_api.alarms.evaluation.engine import ALLOWED_LATENESS_US, Change, advance, begin_watch, new_state
from cloud_api.alarms.evaluation.groups import Group, Reach, group_entries, reach_of, step_of
from cloud_api.alarms.evaluation.joint import joint_reading, joint_readings
from cloud_api.alarms.evaluation.plan import WATCHDOGS, Kind, Owner, Plan
from cloud_api.alarms.evaluation.roster import Entry, Key, Roster, state_row
from cloud_api.alarms.evaluation.state import Reading, State
from cloud_api.alarms.evaluation.telling import transitions_of
from cloud_api.alarms.transitions import apply_transitions
from cloud_api.storage.alarm_instances import (
    LatestRow,
    select_alarm_generation_held,
    select_alarm_untils,
    upsert_alarm_states,
)
from cloud_api.storage.alarm_leader import (
    LateRow,
    select_alarm_cursors,
    select_alarm_samples_before,
    select_alarm_samples_between,
    select_alarm_sources,
    take_alarm_samples,
    upsert_alarm_cursors,
)
from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection

Bound: TypeAlias = tuple[int, int, int]


@dataclass(slots=True)
class Step:
    """What one step found; it counts once it is committed."""

    states: dict[Key, State] = field(default_factory=dict[Key, State])
    kept: set[Key] = field(default_factory=set[Key])
    changes: list[tuple[Plan, list[Change]]] = field(default_factory=list[tuple[Plan, list[Change]]])
    cursors: dict[str, int] = field(default_factory=dict[str, int])
    held: dict[str, dict[int, Reading]] = field(default_factory=dict[str, dict[int, Reading]])
    is_behind: bool = False


class Following:
    """The leader's plans and what they have seen."""

    def __init__(self) -> None:
        self._roster = Roster(Owner.LEADER)
        self._groups: dict[str, Group] = {}
        self._cursors: dict[str, int] = {}
        # What the inputs of each group's joint conditions said at its cursor.
        self._held: dict[str, dict[int, Reading]] = {}

    def forget(self) -> None:
        """Forget everything: it is read anew."""
        self._roster.forget()
        self._groups, self._cursors, self._held = {}, {}, {}

    async def step(self, connection: Connection, now_us: int, *, is_ingest_steady: bool) -> Step:
        """Evaluate what can be evaluated now; `settle` it after COMMIT."""
        await self._refresh(connection)
        untils = await select_alarm_untils(connection)
        step = Step()
        reaches: dict[str, Reach] = {}
        for name, group in self._groups.items():
            reach = reach_of(group, untils, now_us, is_ingest_steady=is_ingest_steady)
            if reach is None:
                continue
            if name not in self._cursors:
                # Stored at once: from here on nothing is skipped.
                step.cursors[name] = self._cursors[name] = reach.to_us
            cursor_us = self._cursors[name]
            if name not in self._held:
                self._held[name] = await self._read_held(connection, group, cursor_us)
            self._begin_new(group, cursor_us, step)
            if reach.to_us > cursor_us:
                reaches[name] = step_of(cursor_us, reach)
                step.is_behind |= reaches[name].to_us < reach.to_us
        await self._advance(connection, reaches, step)
        await self._write(connection, step, now_us)
        return step

    def settle(self, step: Step) -> None:
        """Take over what was committed."""
        for key, state in step.states.items():
            entry = self._roster.entries.get(key)
            if entry is not None:
                entry.state, entry.is_begun = state, True
        self._cursors.update(step.cursors)
        self._held.update(step.held)

    async def _refresh(self, connection: Connection) -> None:
        generation = await select_alarm_generation_held(connection)
        if generation == self._roster.generation:
            return
        reached = {key: self._cursors.get(name) for name, group in self._groups.items() for key in group.keys}
        await self._roster.refresh(connection, generation)
        entries = self._roster.entries
        series_of = {key: entry.plan.series_ids for key, entry in entries.items()}
        every = sorted({each for series in series_of.values() for each in series})
        sources = await select_alarm_sources(connection, every)
        self._groups = group_entries(entries, sources, series_of)
        self._cursors = await select_alarm_cursors(connection)
        for name, group in self._groups.items():
            # A series that was found to be another device's goes on where it was.
            before = [each for key in group.keys if (each := reached.get(key)) is not None]
            if name not in self._cursors and before:
                self._cursors[name] = min(before)
        self._held = {}

    async def _read_held(self, connection: Connection, group: Group, cursor_us: int) -> dict[int, Reading]:
        rows = await select_alarm_samples_before(connection, dict.fromkeys(group.series, cursor_us))
        held = {series_id: _reading(row) for series_id, row in rows.items()}
        for key in group.keys:
            entry = self._roster.entries[key]
            if entry.is_begun:
                restore(entry, held)
        return held

    def _begin_new(self, group: Group, cursor_us: int, step: Step) -> None:
        """Start plans that nothing is known of with what their inputs say now."""
        for key in group.keys:
            entry = self._roster.entries[key]
            if not entry.is_begun:
                state, changes = begin_entry(entry.plan, self._held[group.name], cursor_us)
                _note(step, key, entry.plan, state, changes, is_kept=True)

    async def _advance(self, connection: Connection, reaches: Mapping[str, Reach], step: Step) -> None:
        wanted: list[tuple[str, Key | None, Bound]] = []
        for name, reach in reaches.items():
            wanted += self._joint_bounds(name, reach)
            wanted += self._watchdog_bounds(name, reach, step)
        found, late = await take_alarm_samples(connection, [bound for _, _, bound in wanted])
        await self._take_late(connection, late, step)
        joint: dict[str, dict[int, list[Reading]]] = {name: {} for name in reaches}
        alone: dict[Key, list[Reading]] = {}
        for position, (name, key, (series_id, _, _)) in enumerate(wanted):
            readings = [_reading(row) for row in found.get(position, ())]
            if key is not None:
                alone[key] = readings
            elif readings:
                joint[name][series_id] = readings
        for name, reach in reaches.items():
            self._advance_group(self._groups[name], reach, joint[name], alone, step)

    def _joint_bounds(self, name: str, reach: Reach) -> Iterable[tuple[str, Key | None, Bound]]:
        joint = {
            series_id
            for key in self._groups[name].keys
            if self._roster.entries[key].plan.kind not in WATCHDOGS
            for series_id in self._roster.entries[key].plan.series_ids
        }
        return [(name, None, (series_id, self._cursors[name], reach.to_us)) for series_id in sorted(joint)]

    def _watchdog_bounds(self, name: str, reach: Reach, step: Step) -> Iterable[tuple[str, Key | None, Bound]]:
        """A watchdog is looked at when its clock runs out, or while none runs: what it saw meanwhile it sees then."""
        for key in self._groups[name].keys:
            entry = self._roster.entries[key]
            state = step.states.get(key, entry.state)
            if entry.plan.kind in WATCHDOGS and (state.next_us is None or state.next_us <= reach.to_us):
                # Without any sample yet the clock has run from the making of the definition.
                seen_us = state.time_us if state.time_us is not None else (state.fed_us or self._cursors[name])
                yield name, key, (entry.plan.series_id or 0, seen_us, reach.to_us)

    def _advance_group(
        self,
        group: Group,
        reach: Reach,
        samples: Mapping[int, list[Reading]],
        alone: Mapping[Key, list[Reading]],
        step: Step,
    ) -> None:
        held = step.held.get(group.name, self._held[group.name])
        for key in group.keys:
            entry = self._roster.entries[key]
            state = step.states.get(key, entry.state).copy()
            if entry.plan.kind in WATCHDOGS:
                if key not in alone:
                    continue
                readings = alone[key]
            else:
                readings = joint_readings(entry.plan, held, samples, state.remembered)
            is_due = state.next_us is not None and state.next_us <= reach.to_us
            if readings or is_due:
                clock_us = reach.to_us + ALLOWED_LATENESS_US if reach.is_by_clock else None
                after, changes = advance(entry.plan, state, readings, reach.until_us, clock_us)
                _note(step, key, entry.plan, after, changes, is_kept=is_to_be_kept(entry, after))
        moved = {series_id: readings[-1] for series_id, readings in samples.items()}
        step.held[group.name] = held | moved
        step.cursors[group.name] = reach.to_us

    async def _take_late(self, connection: Connection, rows: Sequence[LateRow], step: Step) -> None:
        """Follow samples that came after a cursor had passed their time; newer ones come with the step itself."""
        for name, group in self._groups.items():
            cursor_us = self._cursors.get(name)
            ours = [row for row in rows if row.series_id in group.series and row.from_us <= (cursor_us or 0)]
            if cursor_us is None or name not in self._held or not ours:
                continue
            to_us = min(cursor_us, max(row.to_us for row in ours))
            span = (min(row.from_us for row in ours), to_us, cursor_us)
            await self._redo(connection, group, {row.series_id for row in ours}, span, step)

    async def _redo(
        self, connection: Connection, group: Group, moved: set[int], span: tuple[int, int, int], step: Step
    ) -> None:
        from_us, to_us, cursor_us = span
        keys = [
            key
            for key in group.keys
            if self._roster.entries[key].plan.kind not in WATCHDOGS
            and moved.intersection(self._roster.entries[key].plan.series_ids)
        ]
        series = sorted({each for key in keys for each in self._roster.entries[key].plan.series_ids})
        before = await select_alarm_samples_before(connection, dict.fromkeys(series, from_us - 1))
        held = {series_id: _reading(row) for series_id, row in before.items()}
        found = await select_alarm_samples_between(connection, [(each, from_us - 1, to_us) for each in series])
        samples = {series[position]: [_reading(row) for row in rows] for position, rows in found.items()}
        present = await self._read_present(connection, series, cursor_us)
        for key in keys:
            entry = self._roster.entries[key]
            state, changes = redo(entry.plan, step.states.get(key, entry.state), held, samples, present, cursor_us)
            _note(step, key, entry.plan, state, changes, is_kept=True)
        step.held[group.name] = self._held[group.name] | present

    async def _read_present(self, connection: Connection, series: Sequence[int], cursor_us: int) -> dict[int, Reading]:
        rows = await select_alarm_samples_before(connection, dict.fromkeys(series, cursor_us))
        return {series_id: _reading(row) for series_id, row in rows.items()}

    async def _write(self, connection: Connection, step: Step, now_us: int) -> None:
        entries = self._roster.entries
        await upsert_alarm_states(connection, [state_row(entries[key].plan, step.states[key]) for key in step.kept])
        if step.cursors:
            await upsert_alarm_cursors(connection, step.cursors)
        told = [each for plan, changes in step.changes for each in transitions_of(plan, changes)]
        if told:
            told.sort(key=lambda transition: transition.at)
            await apply_transitions(connection, told, at_us(now_us))


def begin_entry(plan: Plan, held: Mapping[int, Reading], cursor_us: int) -> tuple[State, list[Change]]:
    """Start a plan with what its inputs say at the cursor."""
    known = [held[series_id] for series_id in plan.series_ids if series_id in held]
    if plan.kind in WATCHDOGS and not known:
        return begin_watch(plan, new_state(plan), cursor_us), []
    if not known:
        return new_state(plan), []
    if plan.kind in WATCHDOGS:
        return begin(plan, known[0], cursor_us)
    state = new_state(plan)
    reading = joint_reading(plan, held, max(each.time_us for each in known), state.remembered)
    began = begin(plan, reading, cursor_us)
    began.state.remembered = state.remembered
    return began


def restore(entry: Entry, held: Mapping[int, Reading]) -> None:
    """Add to a state that was read what was not written down because the samples say it."""
    plan, state = entry.plan, entry.state
    known = [held[series_id] for series_id in plan.series_ids if series_id in held]
    if not known or plan.kind is Kind.COUNTER_STOPPED:
        return
    newest_us = max(each.time_us for each in known)
    if plan.kind is Kind.STALE:
        is_silent = any(memory.is_active for memory in state.memories)
        if not is_silent and (state.time_us is None or newest_us > state.time_us):
            # Silent it is not, so the newest sample is the last sign of life.
            entry.state = advance(plan, new_state(plan), [known[0]]).state
        return
    state.time_us = newest_us
    reading = joint_reading(plan, held, newest_us, state.copy().remembered)
    if reading.value is not None:
        state.value = reading.value


def redo(
    plan: Plan,
    state: State,
    held: Mapping[int, Reading],
    samples: Mapping[int, Iterable[Reading]],
    present: Mapping[int, Reading],
    cursor_us: int,
) -> tuple[State, list[Change]]:
    """Follow late samples: what is over is told as late; what they say of now counts from the cursor on."""
    readings = joint_readings(plan, held, samples, {})
    after, changes = advance(plan, state, readings, is_late=True)
    reading = joint_reading(plan, present, cursor_us, {})
    if after.time_us is None or after.time_us < cursor_us:
        after, news = advance(plan, after, [reading], cursor_us, is_late=True)
        changes = [*changes, *news]
    return after, changes


def is_to_be_kept(entry: Entry, state: State) -> bool:
    """What the samples up to the cursor say by themselves need not be written down."""
    old, plan = entry.state, entry.plan
    if plan.kind is Kind.STALE:
        return [memory.is_active for memory in old.memories] != [memory.is_active for memory in state.memories] or (
            state.run_us != old.run_us
        )
    if plan.kind is Kind.COUNTER_STOPPED or state.remembered:
        return True
    return old.memories != state.memories or (old.is_bad, old.recent, old.late) != (
        state.is_bad,
        state.recent,
        state.late,
    )


def _note(step: Step, key: Key, plan: Plan, state: State, changes: list[Change], *, is_kept: bool) -> None:
    step.states[key] = state
    if is_kept:
        step.kept.add(key)
    if changes:
        step.changes.append((plan, changes))


def _reading(row: LatestRow) -> Reading:
    return Reading(row.time_us, row.value, row.status, row.text)
