"""What one process does with security events: an alarm for each, cleared when it has been quiet for long enough."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cloud_api.alarms.transitions import AlarmRules, Transition, TransitionKind, apply_transitions
from cloud_api.guard.kinds import TELLINGS, EventKind, definition_of, place_of
from cloud_api.leases import LeasedWork, LeaseTimes, Ownership, check_lease
from cloud_api.storage.pool import Pool, transaction
from cloud_api.storage.security_events import (
    SecurityEventRow,
    delete_security_events_quiet,
    select_security_event_counts,
    select_security_events_new,
    update_security_events_raised,
)
from cloud_api.telemetry import Telemetry

LEASE = "guard"
# What security alarms have in common: lists and notifications are filtered by it.
CONDITION = ALARM_CLASS = POSITION = "security"


@dataclass(frozen=True, slots=True)
class GuardTimes:
    """How often events are looked at, and how the lease is kept."""

    look_s: float = 1.0
    lease: LeaseTimes = field(default_factory=LeaseTimes)


class GuardDuty:
    """The one on duty; every API process waits to be it."""

    def __init__(self, pool: Pool, quiet_s: float, telemetry: Telemetry, times: GuardTimes | None = None) -> None:
        self._pool = pool
        self._quiet = timedelta(seconds=quiet_s)
        self._telemetry = telemetry
        self._times = times or GuardTimes()
        self._leased = LeasedWork(pool, LEASE, self._times.lease, [self._look])

    async def run(self) -> None:
        """Wait for the lease, do the work, start over when the lease or the database is lost."""
        await self._leased.run()

    async def _look(self, mine: Ownership) -> None:
        while True:
            await self._step(mine)
            await asyncio.sleep(self._times.look_s)

    async def _step(self, mine: Ownership) -> None:
        """New events and quiet ones become transitions, in one transaction: an event is an alarm once."""
        async with transaction(self._pool) as connection:
            await check_lease(connection, mine)
            now = datetime.now(UTC)
            new = await select_security_events_new(connection)
            quiet = await delete_security_events_quiet(connection, self._quiet)
            if new:
                await update_security_events_raised(connection)
            raises = [_transition(row, TransitionKind.RAISE) for row in new]
            clears = [_transition(row, TransitionKind.CLEAR) for row in quiet]
            await apply_transitions(connection, [*clears, *raises], now)
            counts = await select_security_event_counts(connection)
        for kind in EventKind:
            self._telemetry.security_active.labels(kind).set(counts.get(kind, 0))


def _transition(row: SecurityEventRow, kind: TransitionKind) -> Transition:
    telling = TELLINGS[EventKind(row.kind)]
    said = {"subject": row.subject, "detail": row.detail}
    return Transition(
        definition_id=definition_of(row.kind),
        definition_version=1,
        instance=place_of(row.kind, row.subject),
        series_id=None,
        kind=kind,
        at=row.seen_at,
        level=None,
        priority=telling.priority,
        value=float(row.count),
        status=0,
        limit=None,
        message_en=telling.message_en.format(**said),
        message_zh=telling.message_zh.format(**said),
        is_late=False,
        note=None,
        rules=AlarmRules(name=telling.name, condition=CONDITION, alarm_class=ALARM_CLASS, position=POSITION),
    )
