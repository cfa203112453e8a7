"""What maintenance does to alarms: it suppresses those that it causes itself, and lets them go when it ends."""

from datetime import datetime

from cloud_api.alarms.lifecycle.record import SYSTEM, Change, Entry, JournalEvent, Note, happen, note_down
from cloud_api.alarms.lifecycle.states import AlarmEvent, Refusal
from cloud_api.alarms.lifecycle.verbs import write_changes
from cloud_api.storage.alarms import AlarmRow, lock_alarms_by_id
from cloud_api.storage.maintenance import (
    Cover,
    select_maintenance_covers,
    select_maintenance_differences,
    select_maintenance_matters,
)
from cloud_api.storage.pool import Connection

# What work at a device causes by itself: no samples, or bad ones.
OF_MAINTENANCE = frozenset({"stale", "bad_quality"})


async def follow_maintenance(connection: Connection, now: datetime) -> int:
    """Mark every alarm of these kinds with the maintenance that it stands in now; how many changed."""
    if not await select_maintenance_matters(connection, now):
        return 0
    differing = await select_maintenance_differences(connection, sorted(OF_MAINTENANCE), now)
    if not differing:
        return 0
    rows = await lock_alarms_by_id(connection, differing)
    covers = await select_maintenance_covers(connection, [row.id for row in rows], now)
    changes = [_follow(row, covers.get(row.id), now) for row in rows]
    await write_changes(connection, changes)
    return len(changes)


def maintain(row: AlarmRow, cover: Cover, now: datetime) -> Change:
    """Suppress an alarm because somebody works there."""
    if row.maintenance_id == cover.id:
        return Change(row, ())
    note = f"maintenance: {cover.reason}"
    entry = _entry(JournalEvent.SUPPRESS, cover.who, row, now, note=note, until_at=cover.until_at)
    columns = {"maintenance_id": cover.id, "suppressed_at": row.suppressed_at or now}
    change = happen(row, AlarmEvent.SUPPRESS, entry, **columns)
    return note_down(row, entry, **columns) if isinstance(change, Refusal) else change


def end_maintenance(row: AlarmRow, now: datetime) -> Change:
    """Let an alarm out of maintenance; a rule of its design may go on suppressing it."""
    entry = _entry(JournalEvent.UNSUPPRESS, SYSTEM, row, now, note=Note.MAINTENANCE_ENDED.value)
    if row.suppressed_by is not None:
        return note_down(row, entry, maintenance_id=None)
    change = happen(row, AlarmEvent.UNSUPPRESS, entry, maintenance_id=None, suppressed_at=None)
    return Change(row, ()) if isinstance(change, Refusal) else change


def _follow(row: AlarmRow, cover: Cover | None, now: datetime) -> Change:
    if cover is not None:
        return maintain(row, cover, now)
    return Change(row, ()) if row.maintenance_id is None else end_maintenance(row, now)


def _entry(
    event: JournalEvent, who: str, row: AlarmRow, now: datetime, *, note: str, until_at: datetime | None = None
) -> Entry:
    return Entry(event, who, now, now, note=note, until_at=until_at, value=row.value, status=row.status)
