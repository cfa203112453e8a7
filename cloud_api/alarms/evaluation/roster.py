"""Roster: the plans of one owner with their states, read again as far as somebody else has changed them."""

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

import msgspec

from cloud_api.alarms.evaluation.engine import new_state
from cloud_api.alarms.evaluation.plan import Owner, Plan
from cloud_api.alarms.evaluation.state import State
from cloud_api.storage.alarm_instances import (
    StateRow,
    select_alarm_instances_changed,
    select_alarm_states_changed,
)
from cloud_api.storage.pool import Connection

Key: TypeAlias = tuple[UUID, str]
UNREAD = -1


@dataclass(slots=True)
class Entry:
    """One plan, what is remembered of it, and whose device its series is."""

    plan: Plan
    state: State
    agent: str | None
    device: str | None
    # Whether anything was ever written down of it.
    is_begun: bool


class Roster:
    """Entries by definition and instance, as of a generation."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self.generation = UNREAD
        self.entries: dict[Key, Entry] = {}

    def forget(self) -> None:
        """Forget everything: it is read anew."""
        self.generation = UNREAD
        self.entries.clear()

    async def refresh(self, connection: Connection, generation: int) -> None:
        """Take over what changed up to a generation that the transaction holds."""
        rows = await select_alarm_instances_changed(connection, self._owner.value, self.generation)
        for row in rows:
            key = (row.definition_id, row.instance)
            if row.is_removed or row.plan is None:
                self.entries.pop(key, None)
                continue
            plan = decode_plan(row.plan)
            known = self.entries.get(key)
            state = new_state(plan) if known is None else known.state
            self.entries[key] = Entry(plan, state, row.agent, row.device, is_begun=False)
        for row in await select_alarm_states_changed(connection, self._owner.value, self.generation):
            entry = self.entries.get((row.definition_id, row.instance))
            if entry is not None:
                entry.state, entry.is_begun = decode_state(row.state), True
        self.generation = generation


def decode_plan(text: str) -> Plan:
    """Read a plan from its column."""
    return msgspec.json.decode(text, type=Plan)


def decode_state(text: str) -> State:
    """Read a state from its column."""
    return msgspec.json.decode(text, type=State)


def state_row(plan: Plan, state: State) -> StateRow:
    """Write a state for its column."""
    text = msgspec.json.encode(state).decode()
    return StateRow(UUID(plan.definition_id), plan.instance, text, state.next_us)
