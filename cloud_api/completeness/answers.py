"""Judgements to the bytes of an answer (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloud_api.completeness.causes import Blame, Hole
from cloud_api.completeness.service import Judged, Sums
from cloud_api.completeness.stretches import Stretch, length_us
from cloud_api.instants import format_us

SUM_COLUMNS = ("percent", "expected", "received", "expected_s", "missing_s", "planned_s", "unknown_s")
SERIES_COLUMNS = ("id", "path", "asset", "agent", "device", "promise", "interval_s", "known_from", "known_until")
HOLE_COLUMNS = ("id", "path", "agent", "device", "from_at", "to_at", "seconds", "reason", "blame", "state")


def encode_judged(judged: Judged, max_holes: int) -> dict[str, Any]:
    """Write one series with its longest holes, in the order of time."""
    row, found = judged.row, judged.judgement
    is_known = found.known[0] < found.known[1]
    longest = sorted(found.holes, key=lambda hole: hole.from_us - hole.to_us)[:max_holes]
    interval_us = judged.expectation.interval_us
    return {
        "id": row.id,
        "path": row.path,
        "asset": row.asset,
        "agent": row.agent,
        "device": row.device,
        "promise": judged.expectation.promise.value,
        "interval_s": None if interval_us is None else interval_us / 1e6,
        "known_from": format_us(found.known[0]) if is_known else None,
        "known_until": format_us(found.known[1]) if is_known else None,
        "percent": _percent(found.percent),
        "expected": found.expected,
        "received": found.received,
        "expected_s": found.expected_us / 1e6,
        "missing_s": found.missing_us / 1e6,
        "planned_s": found.planned_us / 1e6,
        "unknown_s": length_us(hole.stretch for hole in judged.unknown) / 1e6,
        "holes": [_hole(hole) for hole in sorted(longest, key=lambda hole: hole.from_us)],
        "more_holes": len(found.holes) - len(longest),
        "planned": [_stretch(stretch) for stretch in found.planned],
        "unknown": [_hole(hole) for hole in judged.unknown],
        "reasons": _reasons(_by_reason(found.holes)),
    }


def encode_sums(sums: Sums, **name: Any) -> dict[str, Any]:
    """Write what series have together."""
    return name | {
        "series": sums.series,
        "percent": _percent(sums.percent),
        "expected": sums.expected,
        "received": sums.received,
        "expected_s": sums.expected_us / 1e6,
        "missing_s": sums.missing_us / 1e6,
        "planned_s": sums.planned_us / 1e6,
        "unknown_s": sums.unknown_us / 1e6,
        "reasons": _reasons(sums.reasons),
    }


def hole_rows(judged: Iterable[Judged]) -> list[tuple[Any, ...]]:
    """One row for each stretch that is missing, unknown or planned."""
    rows: list[tuple[Any, ...]] = []
    for each in judged:
        head = (each.row.id, each.row.path, each.row.agent, each.row.device)
        states = (("missing", each.judgement.holes), ("unknown", each.unknown))
        rows += [(*head, *_cells(hole), state) for state, holes in states for hole in holes]
        rows += [(*head, *_times(stretch), "maintenance", None, "planned") for stretch in each.judgement.planned]
    return rows


def item_rows(items: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """One row for each item, of these columns."""
    return [tuple(item.get(column) for column in columns) for item in items]


def _percent(percent: float | None) -> float | None:
    """Four digits behind the point; only what is whole is called so."""
    if percent is None or percent in {0.0, 100.0}:
        return percent
    return min(max(round(percent, 4), 0.0001), 99.9999)


def _by_reason(holes: Iterable[Hole]) -> dict[tuple[str, Blame | None], tuple[int, int]]:
    sums: dict[tuple[str, Blame | None], tuple[int, int]] = {}
    for hole in holes:
        count, time_us = sums.get((hole.reason, hole.blame), (0, 0))
        sums[hole.reason, hole.blame] = (count + 1, time_us + hole.to_us - hole.from_us)
    return sums


def _reasons(reasons: Mapping[tuple[str, Blame | None], tuple[int, int]]) -> list[dict[str, Any]]:
    longest = sorted(reasons.items(), key=lambda item: -item[1][1])
    return [
        {"reason": reason, "blame": blame, "holes": count, "missing_s": time_us / 1e6}
        for (reason, blame), (count, time_us) in longest
    ]


def _hole(hole: Hole) -> dict[str, Any]:
    return _stretch(hole.stretch) | {"reason": hole.reason, "blame": hole.blame}


def _stretch(stretch: Stretch) -> dict[str, Any]:
    return {"from_at": format_us(stretch[0]), "to_at": format_us(stretch[1])}


def _cells(hole: Hole) -> tuple[Any, ...]:
    return (*_times(hole.stretch), hole.reason, hole.blame)


def _times(stretch: Stretch) -> tuple[Any, ...]:
    return format_us(stretch[0]), format_us(stretch[1]), (stretch[1] - stretch[0]) / 1e6
