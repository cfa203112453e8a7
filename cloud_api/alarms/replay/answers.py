"""A replay to its answer (pure)."""

from collections.abc import Sequence
from typing import Any

from cloud_api.alarms.replay.advice import LimitAdvice
from cloud_api.alarms.replay.comparing import Comparison, Episode, Moved
from cloud_api.alarms.replay.subjects import Subject, Window
from cloud_api.instants import UNIT_US, format_us

SHOWN = 100
US = 1_000_000


def describe_definition(
    subject: Subject, comparison: Comparison, advice: Sequence[LimitAdvice], window: Window
) -> dict[str, Any]:
    """Show what became of one definition."""
    days = (window.to_us - window.from_us) / UNIT_US["d"]
    return {
        "name": subject.definition.name,
        "against": subject.against,
        "places": len(subject.after),
        "problems": [{"path": path, "problem": text} for path, text in list(subject.problems.items())[:SHOWN]],
        "before": comparison.before,
        "after": comparison.after,
        "before_per_day": comparison.before / days,
        "after_per_day": comparison.after / days,
        "kept": comparison.kept,
        "later": _shifts(comparison.later),
        "earlier": _shifts(comparison.earlier),
        "vanished": _stretches(comparison.vanished),
        "new": _stretches(comparison.new),
        "active_before_s": comparison.active_before_us / US,
        "active_after_s": comparison.active_after_us / US,
        "advice": [_advice(each) for each in advice[:SHOWN]],
    }


def _shifts(moved: Sequence[Moved]) -> dict[str, Any]:
    delays = [each.delay_us / US for each in moved]
    return {
        "count": len(moved),
        "most_s": max(delays, key=abs, default=0.0),
        "mean_s": sum(delays) / len(delays) if delays else 0.0,
        "items": [
            {"path": each.path, "before_at": format_us(each.before_us), "delay_s": each.delay_us / US}
            for each in moved[:SHOWN]
        ],
    }


def _stretches(episodes: Sequence[Episode]) -> dict[str, Any]:
    items = [
        {"path": each.path, "from": format_us(each.from_us), "to": format_us(each.to_us)} for each in episodes[:SHOWN]
    ]
    return {"count": len(episodes), "items": items}


def _advice(advice: LimitAdvice) -> dict[str, Any]:
    at_us = advice.worst_rate_at_us
    return {
        "path": advice.path,
        "level": advice.level,
        "limit": advice.limit,
        "consequence": advice.consequence,
        "worst_rate_per_s": advice.worst_rate_per_s,
        "worst_rate_at": None if at_us is None else format_us(at_us),
        "time_left_s": advice.time_left_s,
        "time_needed_s": advice.time_needed_s,
        "advised_limit": advice.advised_limit,
        "is_enough": advice.is_enough,
    }
