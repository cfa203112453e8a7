"""What the definition of an alarm says to the operator at its place: what to do, why, and how long there is."""

from contextlib import suppress
from typing import Any

from cloud_api.alarms.definitions.resolving import Resolver
from cloud_api.alarms.definitions.service import stored
from cloud_api.storage.alarm_definitions import select_alarm_definition
from cloud_api.storage.alarms import AlarmRow
from cloud_api.storage.pool import Connection


async def show_guidance(connection: Connection, row: AlarmRow, *, in_chinese: bool) -> dict[str, Any] | None:
    """Read it from the definition in force, overrides of the place included; None when there is none any more."""
    found = await select_alarm_definition(connection, row.definition_id)
    if found is None or found.deleted_at is not None:
        return None
    definition = stored(found).definition
    # An override that does not fit is told where definitions are looked after; the rest is still worth reading.
    with suppress(ValueError):
        definition = Resolver(definition, str(row.definition_id), found.version).at(row.instance)
    action, record = definition.action, definition.rationalisation
    return {
        "action": (action.zh or action.en) if in_chinese else (action.en or action.zh),
        "action_en": action.en,
        "action_zh": action.zh,
        "cause": record.cause,
        "consequence": record.consequence,
        "response": record.response,
        "time_to_respond_s": record.time_to_respond_s,
        "owner": record.owner,
    }
