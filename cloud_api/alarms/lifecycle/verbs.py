"""What people do with alarms: a function a verb; journal and audit rows in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cloud_api.alarms.lifecycle.record import Change, Entry, JournalEvent, happen, note_down
from cloud_api.alarms.lifecycle.states import AlarmEvent, AlarmState, Refusal
from cloud_api.instants import format_at, format_interval
from cloud_api.problems import Kinds, Problem, body_invalid, not_found
from cloud_api.storage.alarms import (
    AlarmRow,
    insert_alarm_journal,
    lock_alarms_by_id,
    update_alarms,
)
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.pool import Connection

REASONS = {
    Refusal.ALREADY_SHELVED: "it is shelved in this way already; unshelve it first",
    Refusal.NOT_SHELVED: "it is not shelved",
    Refusal.ALREADY_OUT_OF_SERVICE: "it is out of service already",
    Refusal.NOT_OUT_OF_SERVICE: "it is not out of service",
    Refusal.NOT_LATCHED: "it is not latched",
    Refusal.STILL_ACTIVE: "its condition still holds; reset it when it has gone",
    Refusal.NOT_ACKNOWLEDGED: "it is not acknowledged; acknowledge it first",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for something, when, why, and which version of the alarm they have seen (None: whatever it is now)."""

    who: str
    now: datetime
    comment: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The alarm afterwards, and, when nothing was changed, why not."""

    row: AlarmRow
    is_changed: bool
    detail: str | None = None


async def acknowledge(connection: Connection, alarm_id: UUID, asked: Asked) -> Outcome:
    """Say that it was seen. Nothing happens, and the answer says so, when it was acknowledged before."""
    row = await _lock(connection, alarm_id, asked)
    entry = _entry(JournalEvent.ACKNOWLEDGE, asked, row)
    change = happen(row, AlarmEvent.ACKNOWLEDGE, entry, **_commented(asked))
    if isinstance(change, Refusal):
        return Outcome(row, is_changed=False, detail=describe_acknowledged(row))
    return await _write(connection, change, asked)


async def shelve(connection: Connection, alarm_id: UUID, asked: Asked, duration: timedelta | None) -> Outcome:
    """Take it off the list for a time, or (None) for the present or else the next active period.

    OPC UA Part 9: TimedShelve and OneShotShelve. The definition's maximum bounds both.
    """
    row = await _lock(connection, alarm_id, asked)
    most = timedelta(seconds=row.max_shelved_s)
    if duration is not None and duration > most:
        allowed = f"up to {format_interval(row.max_shelved_s * 1_000_000)}, or one_shot"
        raise body_invalid("duration", _shown(duration), "is longer than this alarm may be shelved", allowed)
    until_at = asked.now + (most if duration is None else duration)
    event = AlarmEvent.SHELVE_ONE_SHOT if duration is None else AlarmEvent.SHELVE_TIMED
    entry = _entry(JournalEvent.SHELVE, asked, row, until_at=until_at, note="one_shot" if duration is None else "timed")
    columns = {
        "shelved_at": asked.now,
        "shelved_until": until_at,
        "shelved_by": asked.who,
        "shelved_reason": asked.comment,
    }
    return await _finish(connection, row, happen(row, event, entry, **columns), asked)


async def unshelve(connection: Connection, alarm_id: UUID, asked: Asked) -> Outcome:
    """Put it back on the list; if it is active it has to be acknowledged again."""
    row = await _lock(connection, alarm_id, asked)
    entry = _entry(JournalEvent.UNSHELVE, asked, row)
    return await _finish(connection, row, happen(row, AlarmEvent.UNSHELVE, entry, **_commented(asked)), asked)


async def take_out_of_service(connection: Connection, alarm_id: UUID, asked: Asked, order_number: str) -> Outcome:
    """Take it out of service for a work order, without limit in time."""
    row = await _lock(connection, alarm_id, asked)
    entry = _entry(JournalEvent.OUT_OF_SERVICE, asked, row, order_number=order_number)
    columns = {
        "out_of_service_at": asked.now,
        "out_of_service_by": asked.who,
        "out_of_service_reason": asked.comment,
        "order_number": order_number,
    }
    return await _finish(connection, row, happen(row, AlarmEvent.OUT_OF_SERVICE, entry, **columns), asked)


async def return_to_service(connection: Connection, alarm_id: UUID, asked: Asked) -> Outcome:
    """Bring it back into service; if it is active it has to be acknowledged again."""
    row = await _lock(connection, alarm_id, asked)
    entry = _entry(JournalEvent.RETURN, asked, row, order_number=row.order_number)
    columns = {
        "out_of_service_at": None,
        "out_of_service_by": None,
        "out_of_service_reason": None,
        "order_number": None,
    }
    change = happen(row, AlarmEvent.RETURN, entry, **columns, **_commented(asked))
    return await _finish(connection, row, change, asked)


async def reset(connection: Connection, alarm_id: UUID, asked: Asked) -> Outcome:
    """Let go of a latched alarm that is acknowledged and whose condition has gone."""
    row = await _lock(connection, alarm_id, asked)
    entry = _entry(JournalEvent.RESET, asked, row)
    return await _finish(connection, row, happen(row, AlarmEvent.RESET, entry, **_commented(asked)), asked)


async def comment_on(connection: Connection, alarm_id: UUID, asked: Asked) -> Outcome:
    """Leave a remark."""
    row = await _lock(connection, alarm_id, asked)
    return await _write(
        connection, note_down(row, _entry(JournalEvent.COMMENT, asked, row), **_commented(asked)), asked
    )


async def assign(connection: Connection, alarm_id: UUID, asked: Asked, assignee: str | None) -> Outcome:
    """Say whose work it is; None: nobody's."""
    row = await _lock(connection, alarm_id, asked)
    entry = _entry(JournalEvent.ASSIGN, asked, row, assignee=assignee)
    return await _write(connection, note_down(row, entry, assignee=assignee, **_commented(asked)), asked)


async def acknowledge_many(connection: Connection, rows: Sequence[AlarmRow], asked: Asked) -> list[Outcome]:
    """Acknowledge alarms that the transaction holds locked; each answers for itself."""
    outcomes: list[Outcome] = []
    changes: list[Change] = []
    for row in rows:
        entry = _entry(JournalEvent.ACKNOWLEDGE, asked, row)
        change = happen(row, AlarmEvent.ACKNOWLEDGE, entry, **_commented(asked))
        if isinstance(change, Refusal):
            outcomes.append(Outcome(row, is_changed=False, detail=describe_acknowledged(row)))
        else:
            changes.append(change)
            outcomes.append(Outcome(change.row, is_changed=True))
    await write_changes(connection, changes)
    if changes:
        detail = {"count": len(changes), "comment": asked.comment}
        await insert_audit(connection, asked.who, "alarm.acknowledge", None, detail)
    return outcomes


async def write_changes(connection: Connection, changes: Sequence[Change]) -> None:
    """Write alarms and their journal."""
    changed = [change for change in changes if change.journal]
    if changed:
        await update_alarms(connection, [change.row for change in changed])
        await insert_alarm_journal(connection, [entry for change in changed for entry in change.journal])


def describe_acknowledged(row: AlarmRow) -> str:
    """Say why there is nothing to acknowledge."""
    if row.acknowledged_at is None or row.state == AlarmState.NORMAL:
        return "nothing to acknowledge"
    return f"acknowledged before, by {row.acknowledged_by} at {format_at(row.acknowledged_at)}"


def version_conflict(row: AlarmRow, version: int) -> Problem:
    """Refuse a verb that was decided on what an alarm no longer is."""
    detail = f"the alarm has version {row.version} ({row.state}, changed {format_at(row.changed_at)}), not {version}"
    return Problem(Kinds.VERSION_CONFLICT, detail, more={"version": row.version, "state": row.state})


async def _lock(connection: Connection, alarm_id: UUID, asked: Asked) -> AlarmRow:
    rows = await lock_alarms_by_id(connection, [alarm_id])
    if not rows:
        raise not_found("alarm", "alarm_id", str(alarm_id))
    (row,) = rows
    if asked.version is not None and asked.version != row.version:
        raise version_conflict(row, asked.version)
    if row.retired_at is not None:
        raise Problem(Kinds.CONFLICT, "its definition is gone", more={"version": row.version, "state": row.state})
    return row


async def _finish(connection: Connection, row: AlarmRow, change: Change | Refusal, asked: Asked) -> Outcome:
    if isinstance(change, Refusal):
        raise Problem(Kinds.CONFLICT, REASONS[change], more={"version": row.version, "state": row.state})
    return await _write(connection, change, asked)


async def _write(connection: Connection, change: Change, asked: Asked) -> Outcome:
    await write_changes(connection, [change])
    row, (first, *_) = change.row, change.journal
    detail: dict[str, Any] = {"path": row.instance, "from": first.from_state, "to": row.state, "comment": asked.comment}
    detail |= {"order_number": first.order_number} if first.order_number else {}
    await insert_audit(connection, asked.who, f"alarm.{first.event}", str(row.id), detail)
    return Outcome(row, is_changed=True)


def _entry(event: JournalEvent, asked: Asked, row: AlarmRow, **more: Any) -> Entry:
    return Entry(
        event, asked.who, asked.now, asked.now, comment=asked.comment, value=row.value, status=row.status, **more
    )


def _commented(asked: Asked) -> dict[str, str]:
    return {} if asked.comment is None else {"comment": asked.comment}


def _shown(duration: timedelta) -> str:
    return format_interval(duration // timedelta(microseconds=1))
