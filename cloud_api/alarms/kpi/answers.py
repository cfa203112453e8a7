"""Measures to the answer of GET /alarms/kpi (pure)."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from cloud_api.alarms.kpi.measures import AlarmCount, AlarmMetrics, Measures, Window, measure
from cloud_api.alarms.kpi.streams import JournalColumns, RowFlag, find_stretches, has
from cloud_api.alarms.kpi.targets import judge
from cloud_api.instants import format_us, to_datetime
from cloud_api.storage.alarm_kpi import AlarmRows

LONGEST_LIST = 100
RATE_MINUTES = 10
HOUR_US = 3_600_000_000


def describe_positions(
    alarms: Sequence[AlarmRows],
    late: dict[str | None, int],
    unauthorised: dict[str | None, int],
    window: Window,
    zone: str,
) -> list[dict[str, Any]]:
    """Measure each operator position by itself."""
    by_position: dict[str | None, list[AlarmRows]] = {position: [] for position in {*late, *unauthorised}}
    for alarm in alarms:
        by_position.setdefault(alarm.position, []).append(alarm)
    ordered = sorted(by_position, key=lambda position: (position is None, position or ""))
    return [
        {"position": position, "late": late.get(position, 0)}
        | _describe(by_position[position], unauthorised.get(position, 0), window, zone)
        for position in ordered
    ]


def _describe(alarms: Sequence[AlarmRows], unauthorised: int, window: Window, zone: str) -> dict[str, Any]:
    rows = _columns(alarms)
    measures = measure(rows, window)
    is_inside = (rows.times_us >= window.from_us) & has(rows.flags, RowFlag.RAISED)
    return {
        "annunciated": measures.annunciated,
        "annunciated_alarms": measures.alarm_count,
        "hidden": int((is_inside & has(rows.flags, RowFlag.HIDDEN)).sum()),
        "kpis": [
            {"kpi": kpi.name} | {name: value for name, value in asdict(kpi).items() if name != "name"}
            for kpi in judge(measures, window, unauthorised)
        ],
        "floods": [
            {
                "from": format_us(flood.from_us),
                "to": format_us(flood.to_us),
                "alarms": flood.alarm_count,
                "peak": flood.peak,
                "is_open": flood.is_open,
            }
            for flood in measures.floods
        ],
        "bad_actors": _list(measures.top, alarms, measures.annunciated),
        "chattering": _list(measures.chattering, alarms, measures.annunciated),
        "fleeting": _list(measures.fleeting, alarms, measures.annunciated),
        "stale": _days(measures, window, zone),
        "standing": _list(_hours(rows, measures.standing, window), alarms, None),
        "priorities": measures.by_priority,
        "metrics": _metrics(measures.metrics, window),
    }


def _columns(alarms: Sequence[AlarmRows]) -> JournalColumns:
    """Lay the alarms behind each other; an alarm's place in the list is its number."""
    if not alarms:
        return JournalColumns(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))
    return JournalColumns(
        np.concatenate([alarm.times_us for alarm in alarms]),
        np.repeat(np.arange(len(alarms), dtype=np.int32), [len(alarm.times_us) for alarm in alarms]),
        np.concatenate([alarm.flags for alarm in alarms]),
    )


def _hours(rows: JournalColumns, standing: Sequence[int], window: Window) -> list[AlarmCount]:
    raised_us = find_stretches(rows, window.to_us, window.hidden).raised_us
    lasts = np.searchsorted(rows.alarms, np.asarray(standing, np.int32), side="right") - 1
    hours = (window.to_us - raised_us[lasts]) // HOUR_US if standing else np.empty(0, np.int64)
    counts = [AlarmCount(alarm, int(count)) for alarm, count in zip(standing, hours, strict=True)]
    return sorted(counts, key=lambda each: -each.count)


def _list(counts: Sequence[AlarmCount], alarms: Sequence[AlarmRows], total: int | None) -> list[dict[str, Any]]:
    return [
        {
            "alarm": str(alarms[each.alarm].alarm_id),
            "definition": str(alarms[each.alarm].definition_id),
            "path": alarms[each.alarm].path,
            "name": alarms[each.alarm].name,
            "count": each.count,
            "share": 100 * each.count / total if total else None,
        }
        for each in counts[:LONGEST_LIST]
    ]


def _days(measures: Measures, window: Window, zone: str) -> list[dict[str, Any]]:
    midnights = window.midnights_us[:-1].tolist()
    names = [to_datetime(at_us).astimezone(ZoneInfo(zone)).date().isoformat() for at_us in midnights]
    return [{"day": day, "alarms": count} for day, count in zip(names, measures.stale_by_day.tolist(), strict=True)]


def _metrics(metrics: AlarmMetrics, window: Window) -> dict[str, Any]:
    """Use the names of OPC UA Part 9 AlarmMetricsType; each rate carries its window in minutes."""
    return {
        "AlarmCount": metrics.alarm_count,
        "StartTime": format_us(window.from_us),
        "MaximumActiveState": metrics.maximum_active_us / 1000,
        "MaximumUnAck": metrics.maximum_unacknowledged_us / 1000,
        "CurrentAlarmRate": {"Value": float(metrics.current_rate), "Rate": RATE_MINUTES},
        "MaximumAlarmRate": {"Value": float(metrics.maximum_rate), "Rate": RATE_MINUTES},
        "MaximumReAlarmCount": metrics.maximum_realarm_count,
        "AverageAlarmRate": {"Value": metrics.average_rate, "Rate": RATE_MINUTES},
    }
