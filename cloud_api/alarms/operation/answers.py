"""Rows of alarms to the bytes of an answer (pure)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from cloud_api.alarms.lifecycle.states import Shelving
from cloud_api.alarms.lifecycle.verbs import Outcome
from cloud_api.alarms.operation.many import Report
from cloud_api.instants import format_at
from cloud_api.storage.alarm_list import AlarmCounts
from cloud_api.storage.alarms import AlarmRow


def encode_alarm_page(
    rows: Sequence[AlarmRow], counts: AlarmCounts, as_of: datetime, cursor: str | None, *, in_chinese: bool
) -> bytes:
    """Write a page of a list."""
    items = [show_alarm(row, in_chinese=in_chinese) for row in rows]
    return msgspec.json.encode({"items": items, "counts": counts, "as_of": format_at(as_of), "next": cursor})


def encode_alarm(row: AlarmRow, guidance: dict[str, Any] | None, *, in_chinese: bool) -> bytes:
    """Write one alarm, with what to do about it."""
    return msgspec.json.encode(show_alarm(row, in_chinese=in_chinese) | {"guidance": guidance})


def encode_outcome(outcome: Outcome, *, in_chinese: bool) -> bytes:
    """Write an alarm after a verb."""
    shown = show_alarm(outcome.row, in_chinese=in_chinese)
    return msgspec.json.encode(shown | {"changed": outcome.is_changed, "detail": outcome.detail})


def encode_many(reports: Sequence[Report]) -> bytes:
    """Write what became of each of many alarms."""
    names = ("acknowledged", "unchanged", "version_conflict", "unknown")
    counts = {name: sum(report.outcome == name for report in reports) for name in names}
    return msgspec.json.encode({"items": [_show_report(report) for report in reports]} | counts)


def _show_report(report: Report) -> dict[str, Any]:
    row = report.row
    return {
        "id": str(report.id),
        "outcome": report.outcome,
        "detail": report.detail,
        "version": None if row is None else row.version,
        "state": None if row is None else row.state,
    }


def show_alarm(row: AlarmRow, *, in_chinese: bool = False) -> dict[str, Any]:
    """Say everything of one alarm."""
    is_suppressed = row.suppressed_by is not None or row.maintenance_id is not None
    is_shelved = row.shelving != Shelving.UNSHELVED
    return {
        "id": str(row.id),
        "version": row.version,
        "path": row.instance,
        "series_id": row.series_id,
        "definition_id": str(row.definition_id),
        "definition_version": row.definition_version,
        "name": row.name,
        "condition": row.condition,
        "class": row.alarm_class,
        "position": row.position,
        "state": row.state,
        "active": row.is_active,
        "acknowledged": row.is_acknowledged,
        "latched": row.is_latched,
        "shelving": row.shelving,
        "suppressed": is_suppressed,
        "out_of_service": row.is_out_of_service,
        "suppressed_or_shelved": is_suppressed or is_shelved or row.is_out_of_service,
        "latching": row.is_latching,
        "max_shelved_s": row.max_shelved_s,
        "priority": row.priority,
        "level": row.level,
        "value": row.value,
        "unit": row.unit,
        "status": row.status,
        "limit": row.limit_value,
        "message": row.message_zh if in_chinese else row.message_en,
        "message_en": row.message_en,
        "message_zh": row.message_zh,
        "note": row.note,
        **_show_times(row),
        "shelf": _show_shelf(row) if is_shelved else None,
        "suppression": _show_suppression(row) if is_suppressed else None,
        "absence": _show_absence(row) if row.is_out_of_service else None,
        "assignee": row.assignee,
        "comment": row.comment,
        "changed_at": format_at(row.changed_at),
        "retired_at": _at(row.retired_at),
    }


def _show_times(row: AlarmRow) -> dict[str, Any]:
    return {
        "raised_at": _at(row.raised_at),
        "cleared_at": _at(row.cleared_at),
        "annunciated_at": format_at(row.annunciated_at) if row.raise_count else None,
        "raise_count": row.raise_count,
        "acknowledged_at": _at(row.acknowledged_at),
        "acknowledged_by": row.acknowledged_by,
    }


def _show_shelf(row: AlarmRow) -> dict[str, Any]:
    return {
        "at": _at(row.shelved_at),
        "until": _at(row.shelved_until),
        "by": row.shelved_by,
        "reason": row.shelved_reason,
    }


def _show_suppression(row: AlarmRow) -> dict[str, Any]:
    maintenance_id = None if row.maintenance_id is None else str(row.maintenance_id)
    return {"at": _at(row.suppressed_at), "rule": row.suppressed_by, "maintenance_id": maintenance_id}


def _show_absence(row: AlarmRow) -> dict[str, Any]:
    return {
        "at": _at(row.out_of_service_at),
        "by": row.out_of_service_by,
        "reason": row.out_of_service_reason,
        "order_number": row.order_number,
    }


def _at(at: datetime | None) -> str | None:
    return None if at is None else format_at(at)
