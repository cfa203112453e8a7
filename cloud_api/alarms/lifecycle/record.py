"""What happens to one alarm's row and what the journal says of it (pure): rows in, rows out, nothing written."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from cloud_api.alarms.lifecycle.states import (
    AlarmEvent,
    Handling,
    Memories,
    Refusal,
    Shelving,
    advance,
    consequence,
)
from cloud_api.storage.alarms import AlarmRow, NewJournalRow

SYSTEM = "system"
# After these an active alarm asks for attention (again).
CALLING = frozenset(
    {AlarmEvent.RAISE, AlarmEvent.ESCALATE, AlarmEvent.UNSHELVE, AlarmEvent.UNSUPPRESS, AlarmEvent.RETURN}
)


class JournalEvent(StrEnum):
    """What the journal calls what happened."""

    RAISE = "raise"
    CLEAR = "clear"
    LEVEL = "level"
    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"
    OUT_OF_SERVICE = "out_of_service"
    RETURN = "return"
    RESET = "reset"
    COMMENT = "comment"
    ASSIGN = "assign"
    RETIRE = "retire"


class Note(StrEnum):
    """Why something happened that nobody asked for at that moment."""

    ONE_SHOT_ENDED = "one_shot_ended"
    SHELF_EXPIRED = "shelf_expired"
    CLASS_ACKNOWLEDGES = "class_acknowledges"
    DEFINITION_RETIRED = "definition_retired"
    MAINTENANCE_ENDED = "maintenance_ended"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal is to say beside the alarm's own columns; `at` is the cause, `recorded_at` is now."""

    event: JournalEvent
    who: str
    at: datetime
    recorded_at: datetime
    comment: str | None = None
    note: str | None = None
    order_number: str | None = None
    until_at: datetime | None = None
    assignee: str | None = None
    is_late: bool = False
    value: float | None = None
    status: int = 0
    # What the sample that caused it was judged by; None: the alarm's own.
    level: str | None = None
    limit_value: float | None = None
    message_en: str | None = None
    message_zh: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm after what happened, and the journal's rows in order."""

    row: AlarmRow
    journal: tuple[NewJournalRow, ...]


def memories_of(row: AlarmRow) -> Memories:
    """Take the memories out of a row; a rule of the design and maintenance suppress alike."""
    return Memories(
        is_active=row.is_active,
        is_acknowledged=row.is_acknowledged,
        is_latched=row.is_latched,
        shelving=Shelving(row.shelving),
        is_suppressed=row.suppressed_by is not None or row.maintenance_id is not None,
        is_out_of_service=row.is_out_of_service,
    )


def happen(row: AlarmRow, event: AlarmEvent, entry: Entry, **columns: Any) -> Change | Refusal:
    """Let an event happen with all that follows from it by itself; `columns` are set together with the memories."""
    handling = Handling(row.is_latching, row.is_auto_acknowledged)
    after = advance(memories_of(row), event, handling)
    if isinstance(after, Refusal):
        return after
    change = note_down(row, entry, **(_columns(event, after, entry) | columns))
    follow = consequence(after, event, handling)
    if follow is None:
        return change
    then = happen(change.row, follow, _following(follow, entry))
    return change if isinstance(then, Refusal) else Change(then.row, change.journal + then.journal)


def note_down(row: AlarmRow, entry: Entry, **columns: Any) -> Change:
    """Set columns and write one journal row; the version grows by one, the state follows from the memories."""
    changed = replace(row, version=row.version + 1, changed_at=entry.recorded_at, **columns)
    changed = replace(changed, state=memories_of(changed).state.value)
    return Change(changed, (_journal_row(row.state, changed, entry),))


def _columns(event: AlarmEvent, after: Memories, entry: Entry) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "is_active": after.is_active,
        "is_acknowledged": after.is_acknowledged,
        "is_latched": after.is_latched,
        "shelving": after.shelving.value,
        "is_out_of_service": after.is_out_of_service,
    }
    if event in CALLING and after.is_active and not after.is_acknowledged:
        columns["annunciated_at"] = entry.recorded_at
    if event is AlarmEvent.ACKNOWLEDGE:
        columns |= {"acknowledged_at": entry.recorded_at, "acknowledged_by": entry.who}
    if event is AlarmEvent.UNSHELVE:
        columns |= {"shelved_at": None, "shelved_until": None, "shelved_by": None, "shelved_reason": None}
    return columns


def _following(event: AlarmEvent, entry: Entry) -> Entry:
    """The journal's words on what followed by itself."""
    if event is AlarmEvent.UNSHELVE:
        called, note = JournalEvent.UNSHELVE, Note.ONE_SHOT_ENDED
    else:
        called, note = JournalEvent.ACKNOWLEDGE, Note.CLASS_ACKNOWLEDGES
    return Entry(called, SYSTEM, entry.at, entry.recorded_at, note=note.value, value=entry.value, status=entry.status)


def _journal_row(from_state: str, row: AlarmRow, entry: Entry) -> NewJournalRow:
    return NewJournalRow(
        alarm_id=row.id,
        alarm_version=row.version,
        definition_id=row.definition_id,
        definition_version=row.definition_version,
        path=row.instance,
        name=row.name,
        condition=row.condition,
        alarm_class=row.alarm_class,
        position=row.position,
        event=entry.event.value,
        at=entry.at,
        recorded_at=entry.recorded_at,
        who=entry.who,
        from_state=from_state,
        to_state=row.state,
        priority=row.priority,
        level=entry.level if entry.level is not None else row.level,
        value=entry.value,
        status=entry.status,
        limit_value=entry.limit_value if entry.limit_value is not None else row.limit_value,
        message_en=entry.message_en if entry.message_en is not None else row.message_en,
        message_zh=entry.message_zh if entry.message_zh is not None else row.message_zh,
        comment=entry.comment,
        note=entry.note,
        order_number=entry.order_number,
        until_at=entry.until_at,
        assignee=entry.assignee,
        is_late=entry.is_late,
    )
