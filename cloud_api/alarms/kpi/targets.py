"""What the figures should be: one row for each KPI, with target, limit and verdict (pure)."""

from dataclasses import dataclass
from enum import StrEnum

from cloud_api.alarms.kpi.measures import BUCKET_US, DAY_US, FLOOD_STARTS_OVER, Measures, Window

INDICATIVE_DAYS = 30


class Verdict(StrEnum):
    """How a figure stands to its target and to the limit of what can be managed."""

    GOOD = "good"
    MANAGEABLE = "manageable"
    EXCEEDED = "exceeded"
    NO_ALARMS = "no_alarms"


class Rule(StrEnum):
    """How a figure is held against its target."""

    AT_MOST = "at_most"
    BELOW = "below"
    AT_LEAST = "at_least"


@dataclass(frozen=True, slots=True)
class Kpi:
    """One row of the table: a figure, what it should be, and what could still be managed."""

    name: str
    value: float | None
    unit: str
    rule: Rule
    target: float
    limit: float | None
    verdict: Verdict


def judge(measures: Measures, window: Window, unauthorised: int) -> list[Kpi]:
    """Every row of the KPI table."""
    count, days = measures.annunciated, window.span_us / DAY_US
    buckets = measures.bucket_counts
    over = 100 * float((buckets > FLOOD_STARTS_OVER).mean()) if len(buckets) else 0.0
    flood = 100 * sum(each.to_us - each.from_us for each in measures.floods) / window.span_us
    top = 100 * sum(each.count for each in measures.top) / count if count else None
    return [
        _kpi("annunciated_per_day", count / days, "alarms", 150, 300),
        _kpi("annunciated_per_hour", count / days / 24, "alarms", 6, 12),
        _kpi("annunciated_per_10_min", count * BUCKET_US / window.span_us, "alarms", 1, 2),
        _kpi("windows_over_10_alarms", over, "%", 1, rule=Rule.BELOW),
        _kpi("maximum_in_10_min", float(buckets.max(initial=0)), "alarms", 10),
        _kpi("time_in_flood", flood, "%", 1, rule=Rule.BELOW),
        _kpi("top_10_share", top, "%", 5),
        _kpi("chattering", len(measures.chattering), "alarms", 0),
        _kpi("fleeting", len(measures.fleeting), "alarms", 0),
        _kpi("stale", float(measures.stale_by_day.max(initial=0)), "alarms", 5, rule=Rule.BELOW),
        *_judge_split(measures),
        _kpi("unauthorised_changes", unauthorised, "changes", 0),
    ]


def _judge_split(measures: Measures) -> list[Kpi]:
    """80 % low, 15 % medium, 5 % high, and with a fourth level less than 1 % critical."""
    shares = {
        name: 100 * count / measures.annunciated if measures.annunciated else None
        for name, count in measures.by_priority.items()
    }
    return [
        _kpi("share_critical", shares["critical"], "%", 1, 2, rule=Rule.BELOW),
        _kpi("share_high", shares["high"], "%", 5, 10),
        _kpi("share_medium", shares["medium"], "%", 15, 25),
        _kpi("share_low", shares["low"], "%", 80, 65, rule=Rule.AT_LEAST),
    ]


def _kpi(
    name: str, value: float | None, unit: str, target: float, limit: float | None = None, *, rule: Rule = Rule.AT_MOST
) -> Kpi:
    return Kpi(name, value, unit, rule, target, limit, _verdict(value, target, limit, rule))


def _verdict(value: float | None, target: float, limit: float | None, rule: Rule) -> Verdict:
    if value is None:
        return Verdict.NO_ALARMS
    if _keeps(value, target, rule):
        return Verdict.GOOD
    is_managed = limit is not None and _keeps(value, limit, rule)
    return Verdict.MANAGEABLE if is_managed else Verdict.EXCEEDED


def _keeps(value: float, bound: float, rule: Rule) -> bool:
    if rule is Rule.BELOW:
        return value < bound
    return value <= bound if rule is Rule.AT_MOST else value >= bound
