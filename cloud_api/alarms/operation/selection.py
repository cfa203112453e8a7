"""Which alarms a caller means: the filters of the list, read once for listing and for acknowledging."""

from cloud_api.alarms.operation.requests import AlarmParameters, ManyFilter
from cloud_api.instants import parse_instant, to_datetime
from cloud_api.scopes import read_scope
from cloud_api.storage.alarm_list import AlarmFilter
from cloud_api.storage.pool import Connection


async def read_filter(
    connection: Connection, asked: AlarmParameters | ManyFilter, before: str | None = None
) -> AlarmFilter:
    """Read the filters; a Problem says which is not allowed."""
    is_open = asked.path is None and asked.asset is None
    return AlarmFilter(
        priorities=None if asked.priority is None else tuple(asked.priority),
        positions=None if asked.position is None else tuple(asked.position),
        glob=None if is_open else await read_scope(connection, asked.path, asked.asset),
        words=asked.q,
        before=None if before is None else to_datetime(parse_instant(before, "filter.before")),
    )
