"""Transitions as evaluation makes them, for one definition that the tests call the pump's."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cloud_api.alarms.transitions import AlarmRules, Transition, TransitionKind, apply_transitions
from cloud_api.storage.pool import Pool, transaction

PUMP = UUID("00000000-0000-4000-8000-000000000001")
PATH = "hall/pump/pressure"
START = datetime(2026, 1, 31, 8, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def transition(
    kind: TransitionKind, seconds: float = 0, path: str = "hall/pump/pressure", **changes: Any
) -> Transition:
    usual: dict[str, Any] = {
        "definition_id": PUMP,
        "definition_version": 1,
        "instance": path,
        "series_id": None,
        "kind": kind,
        "at": at(seconds),
        "level": "hi",
        "priority": "high",
        "value": 7.25,
        "status": 0,
        "limit": 7.0,
        "message_en": "pressure 7.25 bar above 7",
        "message_zh": "压力 7.25 bar 高于 7",
        "is_late": False,
        "note": None,
        "rules": AlarmRules(name="pump pressure", alarm_class="process", position="hall"),
    }
    return Transition(**(usual | changes))


RAISE, CLEAR, LEVEL = TransitionKind.RAISE, TransitionKind.CLEAR, TransitionKind.LEVEL
SUPPRESS, UNSUPPRESS = TransitionKind.SUPPRESS, TransitionKind.UNSUPPRESS


async def apply(pool: Pool, *transitions: Transition, now: datetime | None = None) -> None:
    async with transaction(pool) as connection:
        await apply_transitions(connection, transitions, now or datetime.now(UTC))
