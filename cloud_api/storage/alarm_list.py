"""Lists of alarms: filtered, in every order that operators ask for, by keyset, with their counts."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from cloud_api.globs import PathGlob
from cloud_api.storage.alarms import AlarmRow, alarm_columns
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement
from cloud_api.storage.words import containing


class AlarmList(StrEnum):
    """Which list: `open` is neither normal nor set aside, `listed` is all but normal."""

    OPEN = "open"
    ACTIVE = "active"
    UNACKNOWLEDGED = "unacknowledged"
    RETURNED = "returned"
    LATCHED = "latched"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"
    LISTED = "listed"
    ALL = "all"


class AlarmOrder(StrEnum):
    """By what alarms are ordered; a minus turns it round. What is alike follows with the newest first.

    States stand as they want somebody: unacknowledged first, normal last. What has no value there comes last in both.
    """

    PRIORITY = "priority"
    NEWEST = "newest"
    OLDEST = "oldest"
    PATH = "path"
    PRIORITY_DOWN = "-priority"
    PATH_DOWN = "-path"
    STATE = "state"
    STATE_DOWN = "-state"
    CLASS = "class"
    CLASS_DOWN = "-class"
    VALUE = "value"
    VALUE_DOWN = "-value"
    RAISED = "raised"
    RAISED_DOWN = "-raised"
    COUNT = "count"
    COUNT_DOWN = "-count"


STATES = (
    "unacknowledged",
    "latched_unacknowledged",
    "returned",
    "acknowledged",
    "latched",
    "shelved",
    "suppressed",
    "out_of_service",
    "normal",
)
# The orders that an index of their own serves.
_INDEXED = frozenset({AlarmOrder.PRIORITY, AlarmOrder.NEWEST, AlarmOrder.OLDEST, AlarmOrder.PATH})
_PRIORITIES = ("critical", "high", "medium", "low")
_KEYS: dict[str, Callable[[AlarmRow], int | float | str | None]] = {
    "priority": lambda row: _PRIORITIES.index(row.priority),
    "path": lambda row: row.instance,
    "state": lambda row: STATES.index(row.state),
    "class": lambda row: row.alarm_class,
    "value": lambda row: row.value if row.value is not None and math.isfinite(row.value) else None,
    "raised": lambda row: None if row.raised_at is None else row.raised_at.isoformat(),
    "count": lambda row: row.raise_count,
}
_TYPES: dict[str, LiteralString] = {
    "priority": "int",
    "state": "int",
    "value": "float8",
    "raised": "timestamptz",
    "count": "int8",
}


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Which alarms; None leaves a question open. `before`: those that annunciated before it."""

    priorities: tuple[str, ...] | None = None
    positions: tuple[str, ...] | None = None
    glob: PathGlob | None = None
    words: str | None = None
    before: datetime | None = None

    @property
    def question(self) -> tuple[object, ...]:
        """What a cursor belongs to."""
        glob = None if self.glob is None else self.glob.text
        return (self.priorities, self.positions, glob, self.words, self.before)


@dataclass(frozen=True, slots=True)
class AlarmPlace:
    """Where a page ended, in every order."""

    rank: int
    annunciated_at: datetime
    instance: str
    alarm_id: UUID
    key: int | float | str | None = None
    """What an order by a column goes by; null comes last."""


@dataclass(frozen=True, slots=True)
class AlarmCounts:
    """How many alarms stand in each list, and how many of the open ones have each priority."""

    open: int
    active: int
    unacknowledged: int
    returned: int
    latched: int
    shelved: int
    suppressed: int
    out_of_service: int
    listed: int
    critical: int
    high: int
    medium: int
    low: int


async def select_alarm_page(
    connection: Connection,
    alarm_filter: AlarmFilter,
    which: AlarmList,
    order: AlarmOrder,
    after: AlarmPlace | None,
    limit: int,
) -> list[AlarmRow]:
    """Read a page of a list."""
    place: dict[str, Any] = {}
    if after is not None:
        place = {name: getattr(after, name) for name in ("rank", "annunciated_at", "instance", "alarm_id", "key")}
    query = sql.SQL(statement("select_alarm_page")).format(
        columns=alarm_columns(),
        state=sql.SQL(statement(f"filter_{which.value}")),
        after=sql.SQL(statement("after_start")) if after is None else _after(order, after),
        order=_order(order),
    )
    async with connection.cursor(row_factory=class_row(AlarmRow)) as cursor:
        await cursor.execute(query, _parameters(alarm_filter) | place | {"limit": limit})
        return await cursor.fetchall()


def place_of(row: AlarmRow, order: AlarmOrder) -> AlarmPlace:
    """Where a page ends whose last alarm this is."""
    key = None if order in _INDEXED else _KEYS[order.value.removeprefix("-")](row)
    return AlarmPlace(_PRIORITIES.index(row.priority), row.annunciated_at, row.instance, row.id, key)


def _order(order: AlarmOrder) -> sql.Composable:
    if order in _INDEXED:
        return sql.SQL(statement(f"order_{order.value}"))
    name = "order_by_column_down" if order.value.startswith("-") else "order_by_column"
    return sql.SQL(statement(name)).format(key=_key(order))


def _after(order: AlarmOrder, after: AlarmPlace) -> sql.Composable:
    if order in _INDEXED:
        return sql.SQL(statement(f"after_{order.value}"))
    name = "after_column_down" if order.value.startswith("-") else "after_column"
    if after.key is None:
        name = "after_column_empty"
    kind = sql.SQL(_TYPES.get(order.value.removeprefix("-"), "text"))
    return sql.SQL(statement(name)).format(key=_key(order), kind=kind)


def _key(order: AlarmOrder) -> sql.Composable:
    return sql.SQL(statement(f"key_{order.value.removeprefix('-')}"))


async def select_alarm_counts(connection: Connection, alarm_filter: AlarmFilter) -> AlarmCounts:
    """Count the alarms of every list that the filter lets through."""
    lists = {which.value: sql.SQL(statement(f"filter_{which.value}")) for which in AlarmList}
    query = sql.SQL(statement("select_alarm_counts")).format(**lists)
    async with connection.cursor(row_factory=class_row(AlarmCounts)) as cursor:
        await cursor.execute(query, _parameters(alarm_filter))
        counts = await cursor.fetchone()
    assert counts is not None
    return counts


async def select_alarm(connection: Connection, alarm_id: UUID) -> AlarmRow | None:
    """Read one alarm."""
    query = sql.SQL(statement("select_alarm")).format(columns=alarm_columns())
    async with connection.cursor(row_factory=class_row(AlarmRow)) as cursor:
        await cursor.execute(query, {"alarm_id": alarm_id})
        return await cursor.fetchone()


def _parameters(alarm_filter: AlarmFilter) -> dict[str, Any]:
    glob = alarm_filter.glob
    return {
        "priorities": None if alarm_filter.priorities is None else list(alarm_filter.priorities),
        "positions": None if alarm_filter.positions is None else list(alarm_filter.positions),
        "from_path": None if glob is None else glob.from_path,
        "to_path": None if glob is None else glob.to_path,
        "pattern": None if glob is None else glob.pattern,
        "words": containing(alarm_filter.words),
        "before": alarm_filter.before,
    }
