"""Suppression by design: rules over series, and groups in which one alarm tells of the cause of the others.

What suppresses an alarm now stands on its row; only what differs is told, in the same transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from cloud_api.alarms.evaluation.joint import truth
from cloud_api.alarms.evaluation.plan import Plan
from cloud_api.alarms.evaluation.roster import Key, decode_plan
from cloud_api.alarms.evaluation.state import Reading
from cloud_api.alarms.evaluation.telling import suppression_of
from cloud_api.alarms.transitions import apply_transitions
from cloud_api.expressions.over_time import Memory
from cloud_api.storage.alarm_instances import select_alarm_latest
from cloud_api.storage.alarm_suppression import PresentAlarm, select_alarm_suppressions, select_suppressible_plans
from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection

BAD = 0x8000_0000


@dataclass(slots=True)
class Suppressing:
    """The plans that something may suppress, and what their rules remember."""

    generation: int = -1
    plans: dict[Key, Plan] = field(default_factory=dict[Key, Plan])
    memories: dict[Key, Memory] = field(default_factory=dict[Key, Memory])

    async def step(self, connection: Connection, generation: int, now_us: int) -> int:
        """Bring every suppression to what the rules say now."""
        if generation != self.generation:
            rows = await select_suppressible_plans(connection)
            self.plans = {(row[0], row[1]): decode_plan(row[2]) for row in rows}
            self.memories = {key: memory for key, memory in self.memories.items() if key in self.plans}
            self.generation = generation
        if not self.plans:
            return 0
        alarms = await select_alarm_suppressions(connection, sorted({key[0] for key in self.plans}))
        wanted = await self._wanted(connection, alarms, now_us)
        told = [
            suppression_of(self.plans[key], since_us, rule)
            for key, (rule, since_us) in wanted.items()
            if rule != _present(alarms.get(key))
        ]
        await apply_transitions(connection, told, at_us(now_us))
        return len(told)

    async def _wanted(
        self, connection: Connection, alarms: Mapping[Key, PresentAlarm], now_us: int
    ) -> dict[Key, tuple[str | None, int]]:
        series = sorted({each for plan in self.plans.values() for each in plan.suppression.inputs.values()})
        newest = await select_alarm_latest(connection, series) if series else {}
        present = {
            series_id: Reading(row.time_us, row.value, row.status, row.text) for series_id, row in newest.items()
        }
        by_group = group_rules(self.plans, alarms)
        wanted: dict[Key, tuple[str | None, int]] = {}
        for key, plan in self.plans.items():
            rule = self._rule(key, plan, present, _present(alarms.get(key)), now_us)
            group = by_group.get(key)
            wanted[key] = rule if rule[0] is not None or group is None else (group, now_us)
        return wanted

    def _rule(
        self, key: Key, plan: Plan, present: Mapping[int, Reading], now: str | None, now_us: int
    ) -> tuple[str | None, int]:
        """What the expression says; while its inputs are Bad the suppression stays as it is."""
        suppression = plan.suppression
        if suppression.when is None or suppression.is_cause:
            return None, now_us
        times = [present[each].time_us for each in suppression.inputs.values() if each in present]
        at = max(times, default=now_us)
        memory = self.memories.setdefault(key, {})
        said = truth(suppression.when, suppression.names, suppression.inputs, present, at, memory)
        if said.status >= BAD or said.value is None:
            return (now, now_us) if now == suppression.when else (None, now_us)
        return (suppression.when if said.value else None), at


def group_rules(plans: Mapping[Key, Plan], alarms: Mapping[Key, PresentAlarm]) -> dict[Key, str]:
    """Which alarms a group suppresses now, and why: an active cause, or else the first that came up (first-up)."""
    groups: dict[str, list[Key]] = {}
    for key, plan in plans.items():
        if plan.suppression.group is not None:
            groups.setdefault(plan.suppression.group, []).append(key)
    found: dict[Key, str] = {}
    for name, keys in groups.items():
        first = _first(plans, alarms, keys)
        if first is not None:
            text = f"group {name}: {plans[first].name} at {first[1]} came first"
            if plans[first].suppression.is_cause:
                text = f"group {name}: the cause is {plans[first].name} at {first[1]}"
            others = [key for key in keys if key != first and not plans[key].suppression.is_cause]
            found |= {key: text for key in others if not _waits_for_somebody(alarms.get(key))}
    return found


def _first(plans: Mapping[Key, Plan], alarms: Mapping[Key, PresentAlarm], keys: Sequence[Key]) -> Key | None:
    causes = [key for key in keys if plans[key].suppression.is_cause]
    candidates = causes or keys
    active: Iterable[tuple[datetime, str, UUID, Key]] = (
        (alarm.raised_at, key[1], key[0], key)
        for key in candidates
        if (alarm := alarms.get(key)) is not None and alarm.is_active and alarm.raised_at is not None
    )
    return min(active, default=(None, None, None, None))[3]


def _waits_for_somebody(alarm: PresentAlarm | None) -> bool:
    """Whether it was shown, is over, and nobody has acknowledged it yet: that must not vanish."""
    return alarm is not None and alarm.suppressed_by is None and not (alarm.is_active or alarm.is_acknowledged)


def _present(alarm: PresentAlarm | None) -> str | None:
    return None if alarm is None else alarm.suppressed_by
