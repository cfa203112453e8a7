"""Delays of ingest's plans that the clock has overtaken: nothing was heard for the allowed lateness, so they fire."""

from cloud_api.alarms.evaluation.engine import ALLOWED_LATENESS_US, advance
from cloud_api.alarms.evaluation.roster import decode_plan, decode_state, state_row
from cloud_api.alarms.evaluation.telling import transitions_of
from cloud_api.alarms.transitions import apply_transitions
from cloud_api.storage.alarm_instances import (
    select_alarm_latest,
    update_alarm_generation,
    upsert_alarm_states,
)
from cloud_api.storage.alarm_leader import select_alarm_dues
from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection

BATCH = 1000


async def fire_overdue(connection: Connection, now_us: int) -> int:
    """Fire them in a generation of their own: no evaluation is under way, and ingest reads these states again."""
    generation = await update_alarm_generation(connection)
    rows = await select_alarm_dues(connection, now_us - ALLOWED_LATENESS_US, BATCH)
    newest = await select_alarm_latest(connection, [row.series_id for row in rows if row.series_id is not None])
    states, told = [], []
    for row in rows:
        plan, state = decode_plan(row.plan), decode_state(row.state)
        sample = newest.get(row.series_id or 0)
        if sample is not None and not state.is_bad:
            # What was quiet since is not in the state; the newest sample is.
            state.time_us, state.status, state.value = sample.time_us, sample.status, sample.value
        after, changes = advance(plan, state, [], None, now_us)
        states.append(state_row(plan, after))
        told += transitions_of(plan, changes)
    await upsert_alarm_states(connection, states, generation)
    await apply_transitions(connection, told, at_us(now_us))
    return len(rows)
