"""GET /alarms/kpi: read a window of the journal as arrays, measure it beside the event loop."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cloud_api.alarms.kpi.answers import describe_positions
from cloud_api.alarms.kpi.measures import Window
from cloud_api.alarms.kpi.models import KpiParameters
from cloud_api.alarms.kpi.targets import INDICATIVE_DAYS
from cloud_api.instants import UNIT_US, format_us, parse_instant, to_datetime, to_us
from cloud_api.problems import parameter_invalid
from cloud_api.storage.alarm_kpi import select_kpi_late, select_kpi_rows, select_kpi_unauthorised
from cloud_api.storage.history import set_statement_timeout
from cloud_api.storage.pool import Pool, transaction
from cloud_api.zones import load_zone

LONGEST_DAYS = 400
SHORTEST_US = UNIT_US["m"]


async def describe_kpi(pool: Pool, parameters: KpiParameters, now: datetime, timeout_s: float) -> dict[str, Any]:
    """Answer with the KPIs of each operator position; a Problem says which parameter is not allowed."""
    window = read_window(parameters, to_us(now))
    from_at, to_at = to_datetime(window.from_us), to_datetime(window.to_us)
    async with transaction(pool) as connection:
        await set_statement_timeout(connection, timeout_s)
        alarms = await select_kpi_rows(connection, parameters.position, from_at, to_at)
        late = await select_kpi_late(connection, parameters.position, from_at, to_at)
        unauthorised = await select_kpi_unauthorised(connection, parameters.position, from_at, to_at)
    positions = await asyncio.to_thread(describe_positions, alarms, late, unauthorised, window, parameters.zone)
    days = window.span_us / UNIT_US["d"]
    return {
        "from": format_us(window.from_us),
        "to": format_us(window.to_us),
        "days": days,
        "is_indicative": days < INDICATIVE_DAYS,
        "hidden": window.hidden,
        "fleeting_s": parameters.fleeting_s,
        "zone": parameters.zone,
        "positions": positions,
    }


def read_window(parameters: KpiParameters, now_us: int) -> Window:
    """Read the window: never beyond now, for time that has not passed would flatter."""
    to = now_us if parameters.to is None else min(parse_instant(parameters.to, "to"), now_us)
    default_us = to - INDICATIVE_DAYS * UNIT_US["d"]
    start = default_us if parameters.from_ is None else parse_instant(parameters.from_, "from")
    if to - start < SHORTEST_US:
        shown = parameters.from_ or format_us(start)
        raise parameter_invalid("from", shown, "is not a minute before `to` and now", f"before {format_us(to)}")
    if to - start > LONGEST_DAYS * UNIT_US["d"]:
        raise parameter_invalid("from", parameters.from_, "is too far back", f"at most {LONGEST_DAYS} days before `to`")
    zone = load_zone(parameters.zone, "zone")
    fleeting_us = round(parameters.fleeting_s * UNIT_US["s"])
    return Window(start, to, find_midnights(start, to, zone), parameters.hidden, fleeting_us)


def find_midnights(from_us: int, end_us: int, zone: ZoneInfo) -> NDArray[np.int64]:
    """Find the beginnings of the calendar days of a zone, from the one at or before `from` to one at or after `to`."""
    day = to_datetime(from_us).astimezone(zone).date()
    found: list[int] = []
    while not found or found[-1] < end_us:
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        found.append(to_us(midnight.astimezone(UTC)))
        day += timedelta(days=1)
    return np.array(found, np.int64)
