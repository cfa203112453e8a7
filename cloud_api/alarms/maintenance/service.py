"""Making, changing and ending maintenance; alarms follow in the same transaction, and the audit says who."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cloud_api.alarms.duration import parse_length
from cloud_api.alarms.maintenance.following import follow_maintenance
from cloud_api.alarms.maintenance.models import MaintenanceChange, MaintenanceRequest
from cloud_api.globs import parse_glob
from cloud_api.instants import format_at, parse_instant, to_datetime
from cloud_api.problems import Kinds, Problem, body_invalid, not_found
from cloud_api.scopes import find_asset_path
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.maintenance import (
    MaintenanceRow,
    NewMaintenance,
    insert_maintenance,
    lock_maintenance,
    select_maintenance,
    update_maintenance,
)
from cloud_api.storage.pool import Connection

LONGEST = timedelta(days=366)


async def create_maintenance(
    connection: Connection, request: MaintenanceRequest, who: str, now: datetime
) -> MaintenanceRow:
    """Put something in maintenance."""
    from_at = now if request.from_ is None else to_datetime(parse_instant(request.from_, "from"))
    until_at = _until(request, from_at)
    _check_end(until_at, from_at, now, request.until or request.duration or "")
    glob = None if request.path is None else parse_glob(request.path)
    new = NewMaintenance(
        agent=request.agent,
        device=request.device,
        asset=None if request.asset is None else await find_asset_path(connection, request.asset),
        path=None if glob is None else glob.text,
        pattern=None if glob is None else glob.pattern,
        from_at=from_at,
        until_at=until_at,
        reason=request.reason,
        who=who,
    )
    maintenance_id = await insert_maintenance(connection, new, now)
    row = await _settled(connection, maintenance_id, now)
    if row.series_count == 0:
        field = "device" if request.device else "asset" if request.asset else "path"
        raise body_invalid(field, getattr(request, field), "covers no series", "something that has series")
    await _audit(connection, "maintenance.create", row, who)
    return row


async def change_maintenance(
    connection: Connection, maintenance_id: UUID, change: MaintenanceChange, who: str, now: datetime
) -> MaintenanceRow:
    """Give a maintenance another end or reason; one that is over stays as it was."""
    row = await _lock_open(connection, maintenance_id, change.version, now)
    until_at = row.until_at
    if change.until is not None:
        until_at = to_datetime(parse_instant(change.until, "until"))
        _check_end(until_at, row.from_at, now, change.until)
    await update_maintenance(connection, replace(row, until_at=until_at, reason=change.reason or row.reason))
    changed = await _settled(connection, maintenance_id, now)
    before = {"until": format_at(row.until_at), "reason": row.reason}
    await _audit(connection, "maintenance.change", changed, who, before)
    return changed


async def end_maintenance_now(
    connection: Connection, maintenance_id: UUID, version: int | None, who: str, now: datetime
) -> MaintenanceRow:
    """End a maintenance before its time, or call a planned one off."""
    row = await _lock_open(connection, maintenance_id, version, now)
    await update_maintenance(connection, replace(row, ended_at=now, ended_by=who))
    ended = await _settled(connection, maintenance_id, now)
    await _audit(connection, "maintenance.end", ended, who)
    return ended


async def _settled(connection: Connection, maintenance_id: UUID, now: datetime) -> MaintenanceRow:
    await follow_maintenance(connection, now)
    row = await select_maintenance(connection, maintenance_id)
    assert row is not None
    return row


async def _lock_open(
    connection: Connection, maintenance_id: UUID, version: int | None, now: datetime
) -> MaintenanceRow:
    row = await lock_maintenance(connection, maintenance_id)
    if row is None:
        raise not_found("maintenance", "maintenance_id", str(maintenance_id))
    if version is not None and version != row.version:
        detail = f"the maintenance has version {row.version}, not {version}"
        raise Problem(Kinds.VERSION_CONFLICT, detail, more={"version": row.version})
    if row.ended_at is not None or row.until_at <= now:
        raise Problem(Kinds.CONFLICT, "it is over", more={"version": row.version})
    return row


def _until(request: MaintenanceRequest, from_at: datetime) -> datetime:
    if request.until is not None:
        return to_datetime(parse_instant(request.until, "until"))
    return from_at + parse_length(request.duration or "")


def _check_end(until_at: datetime, from_at: datetime, now: datetime, shown: str) -> None:
    if not max(from_at, now) < until_at <= from_at + LONGEST:
        allowed = f"after now and the beginning, within {LONGEST.days} days of the beginning"
        raise body_invalid("until", shown, "is no end that it can have", allowed)


async def _audit(
    connection: Connection, action: str, row: MaintenanceRow, who: str, before: dict[str, str] | None = None
) -> None:
    target = row.device or row.asset or row.path
    detail: dict[str, Any] = {
        "target": target,
        "from": format_at(row.from_at),
        "until": format_at(row.until_at),
        "reason": row.reason,
        "alarms": row.alarm_count,
    }
    if before is not None:
        detail["before"] = before
    await insert_audit(connection, who, action, str(row.id), detail)
