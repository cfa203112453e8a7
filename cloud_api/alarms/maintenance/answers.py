"""Rows of maintenance to the content of an answer (pure)."""

from datetime import datetime
from typing import Any

from cloud_api.alarms.maintenance.models import MaintenanceState
from cloud_api.instants import format_at
from cloud_api.storage.maintenance import MaintenanceRow


def show_maintenance(row: MaintenanceRow, now: datetime) -> dict[str, Any]:
    """Say everything of one maintenance."""
    return {
        "id": str(row.id),
        "version": row.version,
        "state": _state(row, now).value,
        "device": row.device,
        "agent": row.agent,
        "asset": row.asset,
        "path": row.path,
        "from": format_at(row.from_at),
        "until": format_at(row.until_at),
        "reason": row.reason,
        "who": row.who,
        "created_at": format_at(row.created_at),
        "ended_at": None if row.ended_at is None else format_at(row.ended_at),
        "ended_by": row.ended_by,
        "alarms": row.alarm_count,
        "series": row.series_count,
    }


def _state(row: MaintenanceRow, now: datetime) -> MaintenanceState:
    if row.ended_at is not None or row.until_at <= now:
        return MaintenanceState.ENDED
    return MaintenanceState.PLANNED if row.from_at > now else MaintenanceState.ACTIVE
