"""Where evaluation and operation of alarms meet: what a condition did, applied to what the operator sees."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from cloud_api.alarms.lifecycle.record import (
    SYSTEM,
    Change,
    Entry,
    JournalEvent,
    Note,
    happen,
    note_down,
)
from cloud_api.alarms.lifecycle.states import AlarmEvent, Refusal, is_escalation
from cloud_api.alarms.maintenance.following import OF_MAINTENANCE, maintain
from cloud_api.storage.alarms import (
    AlarmRow,
    NewAlarm,
    NewJournalRow,
    insert_alarm_journal,
    insert_alarms,
    lock_alarms_by_definition,
    lock_alarms_by_place,
    update_alarms,
)
from cloud_api.storage.maintenance import Cover, select_maintenance_covers
from cloud_api.storage.pool import Connection


class TransitionKind(StrEnum):
    """What a condition, or a rule of suppression, did."""

    RAISE = "raise"
    CLEAR = "clear"
    # Stays active; level, priority or message changes.
    LEVEL = "level"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"


@dataclass(frozen=True, slots=True)
class AlarmRules:
    """What the definition says of its alarms beside the condition; kept on the alarm's row."""

    name: str | None = None
    condition: str = "limit"
    alarm_class: str | None = None
    position: str | None = None
    is_latching: bool = False
    is_auto_acknowledged: bool = False
    max_shelved_s: int = 28_800


@dataclass(frozen=True, slots=True)
class Transition:
    """One change that evaluation found. An alarm is the pair (definition_id, instance).

    `at` is the time of the cause, UTC. A late one is journalled and nothing else: what began during an outage and still
    holds is an ordinary raise whose `at` lies back.
    """

    definition_id: UUID
    definition_version: int
    instance: str
    series_id: int | None
    kind: TransitionKind
    at: datetime
    level: str | None
    priority: str
    value: float | None
    status: int
    limit: float | None
    message_en: str
    message_zh: str
    is_late: bool
    note: str | None
    rules: AlarmRules = field(default_factory=AlarmRules)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a definition watches, known before anything happened there."""

    definition_id: UUID
    definition_version: int
    instance: str
    series_id: int | None
    priority: str
    rules: AlarmRules


async def apply_transitions(connection: Connection, transitions: Sequence[Transition], now: datetime) -> None:
    """Set the memories of the alarms and append to the journal, in the caller's transaction and in the order given."""
    if not transitions:
        return
    rows = await _lock(connection, [_place(each) for each in transitions], now)
    covers = await _covers(connection, rows, transitions, now)
    written: list[NewJournalRow] = []
    for transition in transitions:
        key = (transition.definition_id, transition.instance)
        row = _ruled(rows[key], transition.definition_version, transition.series_id, transition.rules)
        cover = covers.get(row.id)
        if transition.kind is TransitionKind.RAISE and cover is not None and not transition.is_late:
            put_aside = maintain(row, cover, now)
            row = put_aside.row
            written += put_aside.journal
        change = follow(row, transition, now)
        rows[key] = change.row
        written += change.journal
    await update_alarms(connection, list(rows.values()))
    await insert_alarm_journal(connection, written)


async def ensure_alarms(connection: Connection, places: Sequence[Place], now: datetime) -> None:
    """Make the rows of places that never raised, and let known ones follow a changed definition; no journal row."""
    if not places:
        return
    rows = await _lock(connection, places, now)
    changed: list[AlarmRow] = []
    for place in places:
        row = rows[place.definition_id, place.instance]
        ruled = _ruled(row, place.definition_version, place.series_id, place.rules)
        ruled = replace(ruled, priority=ruled.priority if ruled.is_active else place.priority, retired_at=None)
        if ruled != row:
            changed.append(replace(ruled, changed_at=now))
    await update_alarms(connection, changed)


async def retire_alarms(
    connection: Connection, definition_id: UUID, instances: Sequence[str] | None, now: datetime, who: str
) -> None:
    """Let alarms leave every list because their definition (instances: None), or these places of it, are gone."""
    changes = [
        retire(row, now, who)
        for row in await lock_alarms_by_definition(connection, definition_id, instances)
        if row.retired_at is None
    ]
    await update_alarms(connection, [change.row for change in changes])
    await insert_alarm_journal(connection, [entry for change in changes for entry in change.journal])


def follow(row: AlarmRow, transition: Transition, now: datetime) -> Change:
    """Apply one transition to one alarm."""
    if transition.is_late:
        return note_down(row, _entry(transition, now))
    match transition.kind:
        case TransitionKind.SUPPRESS:
            return _suppress(row, transition, now)
        case TransitionKind.UNSUPPRESS:
            return _unsuppress(row, transition, now)
        case TransitionKind.CLEAR:
            change = happen(row, AlarmEvent.CLEAR, _entry(transition, now), cleared_at=transition.at)
            return Change(row, ()) if isinstance(change, Refusal) else change
        case TransitionKind.RAISE | TransitionKind.LEVEL:
            return _level(row, transition, now) if row.is_active else _raise(row, transition, now)


def retire(row: AlarmRow, now: datetime, who: str) -> Change:
    """Forget the memories of an alarm whose definition is gone; the journal keeps what it was."""
    forgotten: dict[str, Any] = {
        "is_active": False,
        "is_acknowledged": True,
        "is_latched": False,
        "is_out_of_service": False,
        "shelving": "unshelved",
        "shelved_until": None,
        "suppressed_by": None,
        "maintenance_id": None,
        "retired_at": now,
    }
    if row.is_active:
        forgotten["cleared_at"] = now
    entry = Entry(JournalEvent.RETIRE, who, now, now, note=Note.DEFINITION_RETIRED.value)
    return note_down(row, entry, **forgotten)


def _raise(row: AlarmRow, transition: Transition, now: datetime) -> Change:
    columns = _shown(transition) | {
        "raised_at": transition.at,
        "cleared_at": None,
        "raise_count": row.raise_count + 1,
        "retired_at": None,
    }
    change = happen(row, AlarmEvent.RAISE, _entry(transition, now, JournalEvent.RAISE), **columns)
    return Change(row, ()) if isinstance(change, Refusal) else change


def _level(row: AlarmRow, transition: Transition, now: datetime) -> Change:
    entry = _entry(transition, now, JournalEvent.LEVEL)
    if is_escalation((row.priority, row.level), (transition.priority, transition.level)):
        change = happen(row, AlarmEvent.ESCALATE, entry, **_shown(transition))
        if not isinstance(change, Refusal):
            return change
    return note_down(row, entry, **_shown(transition))


def _suppress(row: AlarmRow, transition: Transition, now: datetime) -> Change:
    entry = _entry(transition, now)
    columns = {"suppressed_by": transition.note or "design rule", "suppressed_at": row.suppressed_at or now}
    change = happen(row, AlarmEvent.SUPPRESS, entry, **columns)
    return note_down(row, entry, **columns) if isinstance(change, Refusal) else change


def _unsuppress(row: AlarmRow, transition: Transition, now: datetime) -> Change:
    entry = _entry(transition, now)
    if row.maintenance_id is not None:
        return note_down(row, entry, suppressed_by=None)
    change = happen(row, AlarmEvent.UNSUPPRESS, entry, suppressed_by=None, suppressed_at=None)
    return Change(row, ()) if isinstance(change, Refusal) else change


def _entry(transition: Transition, now: datetime, event: JournalEvent | None = None) -> Entry:
    return Entry(
        event or JournalEvent(transition.kind.value),
        SYSTEM,
        transition.at,
        now,
        note=transition.note,
        is_late=transition.is_late,
        value=transition.value,
        status=transition.status,
        message_en=transition.message_en,
        message_zh=transition.message_zh,
        level=transition.level,
        limit_value=transition.limit,
    )


def _shown(transition: Transition) -> dict[str, Any]:
    return {
        "level": transition.level,
        "priority": transition.priority,
        "value": transition.value,
        "status": transition.status,
        "limit_value": transition.limit,
        "message_en": transition.message_en,
        "message_zh": transition.message_zh,
        "note": transition.note,
    }


def _ruled(row: AlarmRow, version: int, series_id: int | None, rules: AlarmRules) -> AlarmRow:
    return replace(
        row,
        definition_version=version,
        series_id=series_id,
        name=rules.name,
        condition=rules.condition,
        alarm_class=rules.alarm_class,
        position=rules.position,
        is_latching=rules.is_latching,
        is_auto_acknowledged=rules.is_auto_acknowledged,
        max_shelved_s=rules.max_shelved_s,
    )


def _place(transition: Transition) -> Place:
    return Place(
        transition.definition_id,
        transition.definition_version,
        transition.instance,
        transition.series_id,
        transition.priority,
        transition.rules,
    )


async def _lock(connection: Connection, places: Sequence[Place], now: datetime) -> dict[tuple[UUID, str], AlarmRow]:
    wanted = {(place.definition_id, place.instance): place for place in places}
    ids, instances = [key[0] for key in wanted], [key[1] for key in wanted]
    rows = await lock_alarms_by_place(connection, ids, instances)
    if len(rows) < len(wanted):
        known = {(row.definition_id, row.instance) for row in rows}
        missing = [_new(place) for key, place in wanted.items() if key not in known]
        await insert_alarms(connection, missing, now)
        rows = await lock_alarms_by_place(connection, ids, instances)
    return {(row.definition_id, row.instance): row for row in rows}


async def _covers(
    connection: Connection,
    rows: dict[tuple[UUID, str], AlarmRow],
    transitions: Sequence[Transition],
    now: datetime,
) -> dict[UUID, Cover]:
    """Which of the alarms that raise now are in maintenance; asked only where maintenance can be the cause."""
    raised = {
        (each.definition_id, each.instance)
        for each in transitions
        if each.kind is TransitionKind.RAISE and each.rules.condition in OF_MAINTENANCE
    }
    return await select_maintenance_covers(connection, [rows[key].id for key in raised], now) if raised else {}


def _new(place: Place) -> NewAlarm:
    rules = place.rules
    return NewAlarm(
        place.definition_id,
        place.definition_version,
        place.instance,
        place.series_id,
        rules.name,
        rules.condition,
        rules.alarm_class,
        rules.position,
        rules.is_latching,
        rules.is_auto_acknowledged,
        rules.max_shelved_s,
        place.priority,
    )
