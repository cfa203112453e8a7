"""Rows of the journal to the bytes of an answer (pure)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cloud_api.instants import format_at
from cloud_api.storage.journal import JournalRow


def encode_journal_page(rows: Sequence[JournalRow], cursor: str | None, *, in_chinese: bool) -> bytes:
    """Write a page of the journal."""
    return msgspec.json.encode({"items": [show_entry(row, in_chinese=in_chinese) for row in rows], "next": cursor})


def show_entry(row: JournalRow, *, in_chinese: bool = False) -> dict[str, Any]:
    """Say everything of one row."""
    return {
        "number": row.number,
        "alarm_id": str(row.alarm_id),
        "alarm_version": row.alarm_version,
        "definition_id": str(row.definition_id),
        "definition_version": row.definition_version,
        "path": row.path,
        "name": row.name,
        "condition": row.condition,
        "class": row.alarm_class,
        "position": row.position,
        "event": row.event,
        "at": format_at(row.at),
        "recorded_at": format_at(row.recorded_at),
        "who": row.who,
        "from": row.from_state,
        "to": row.to_state,
        "priority": row.priority,
        "level": row.level,
        "value": row.value,
        "status": row.status,
        "limit": row.limit_value,
        "message": row.message_zh if in_chinese else row.message_en,
        "message_en": row.message_en,
        "message_zh": row.message_zh,
        "comment": row.comment,
        "note": row.note,
        "order_number": row.order_number,
        "until": None if row.until_at is None else format_at(row.until_at),
        "assignee": row.assignee,
        "late": row.is_late,
        "hash": row.hash.hex(),
    }
