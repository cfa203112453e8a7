"""Acknowledging many alarms in one transaction, each with a report of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cloud_api.alarms.lifecycle.verbs import Asked, acknowledge_many, version_conflict
from cloud_api.alarms.operation.requests import MAX_MANY, ManyFilter, SeenAlarm
from cloud_api.alarms.operation.selection import read_filter
from cloud_api.storage.alarm_list import AlarmList, AlarmOrder, select_alarm_page
from cloud_api.storage.alarms import AlarmRow, lock_alarms_by_id
from cloud_api.storage.pool import Connection


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one of many; `row` is None when there is no such alarm."""

    id: UUID
    outcome: str
    row: AlarmRow | None = None
    detail: str | None = None


async def acknowledge_by_ids(connection: Connection, wanted: Sequence[UUID | SeenAlarm], asked: Asked) -> list[Report]:
    """Acknowledge these, in the order asked for; one named twice is reported once."""
    versions: dict[UUID, int | None] = {}
    for each in wanted:
        if isinstance(each, SeenAlarm):
            versions[each.id] = each.version
        else:
            versions.setdefault(each, None)
    rows = {row.id: row for row in await lock_alarms_by_id(connection, list(versions))}
    reports: dict[UUID, Report] = {}
    for alarm_id, version in versions.items():
        row = rows.get(alarm_id)
        if row is None or row.retired_at is not None:
            reports[alarm_id] = Report(alarm_id, "unknown", detail="there is no such alarm")
        elif version is not None and version != row.version:
            reports[alarm_id] = Report(alarm_id, "version_conflict", row, version_conflict(row, version).detail)
    free = [row for row in rows.values() if row.id not in reports]
    reports |= {report.id: report for report in await _acknowledge(connection, free, asked)}
    return [reports[alarm_id] for alarm_id in versions]


async def acknowledge_by_filter(connection: Connection, wanted: ManyFilter, asked: Asked) -> list[Report]:
    """Acknowledge what a list shows now, at most MAX_MANY alarms of it."""
    alarm_filter = await read_filter(connection, wanted, wanted.before)
    which = AlarmList(wanted.state)
    found = await select_alarm_page(connection, alarm_filter, which, AlarmOrder.PRIORITY, None, MAX_MANY)
    # Between looking and locking an alarm may have come again: only what is as it was found is acknowledged.
    versions = {row.id: row.version for row in found}
    rows = await lock_alarms_by_id(connection, list(versions))
    same = [row for row in rows if row.version == versions[row.id]]
    changed = [row for row in rows if row.version != versions[row.id]]
    reports = {report.id: report for report in await _acknowledge(connection, same, asked)}
    for row in changed:
        detail = version_conflict(row, versions[row.id]).detail
        reports[row.id] = Report(row.id, "version_conflict", row, detail)
    return [reports[row.id] for row in found if row.id in reports]


async def _acknowledge(connection: Connection, rows: Sequence[AlarmRow], asked: Asked) -> list[Report]:
    outcomes = await acknowledge_many(connection, rows, asked)
    return [
        Report(each.row.id, "acknowledged" if each.is_changed else "unchanged", each.row, each.detail)
        for each in outcomes
    ]
