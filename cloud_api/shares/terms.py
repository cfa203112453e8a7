"""The terms of a share: of which assets what, how coarse, of which time, for what, until when, how much (pure)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from cloud_api.globs import parse_glob
from cloud_api.problems import Problem, body_invalid, in_body
from cloud_api.query.aggregates.names import Aggregate
from cloud_api.query.intervals import read_zone

NUMBER = "{n}"
MOST_SERIES = 500
DAY_S = 86_400
# What one sample of a bucket is, or when it was: that is raw data under another name.
POINTS = frozenset(
    {
        Aggregate.INTERPOLATIVE,
        Aggregate.START,
        Aggregate.END,
        Aggregate.DELTA,
        Aggregate.START_BOUND,
        Aggregate.END_BOUND,
        Aggregate.DELTA_BOUNDS,
        Aggregate.MINIMUM_ACTUAL_TIME,
        Aggregate.MAXIMUM_ACTUAL_TIME,
        Aggregate.MINIMUM_ACTUAL_TIME2,
        Aggregate.MAXIMUM_ACTUAL_TIME2,
    }
)
ALIAS_ALLOWED = "printable characters, without / at the ends, and * ? # +"

Alias = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


class Floor(StrEnum):
    """The shortest interval that is answered; nothing shorter can be had, not by differences either."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HALF_HOUR = "30m"
    HOUR = "1h"
    SHIFT = "8h"
    DAY = "1d"
    WEEK = "1w"
    MONTH = "1mo"


class Priority(StrEnum):
    """Priorities of alarms."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class _Term(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AssetTerm(_Term):
    """Assets of the share."""

    path: str = Field(min_length=1, max_length=1_300, description="Exact path or glob")
    template: str | None = Field(default=None, max_length=100, description="Only assets made by this template")
    alias: Alias = Field(description="What they are called outside; `{n}` counts them", examples=["press-{n}"])


class TagTerm(_Term):
    """Tags of each asset of the share."""

    path: str = Field(min_length=1, max_length=1_300, description="Exact path or glob below the asset")
    alias: Alias = Field(description="What it is called outside; `{n}` counts them", examples=["running"])
    aggregates: list[Aggregate] = Field(default_factory=list[Aggregate], description="Which may be asked for")
    classes: list[float] | None = Field(
        default=None,
        min_length=1,
        max_length=50,
        description="Ascending limits of value classes; how long the value was in each may be asked for",
        examples=[[0, 50, 80, 100]],
    )


class AlarmTerm(_Term):
    """That it may be counted how often alarms were raised at the assets of the share."""

    priorities: list[Priority] = Field(min_length=1, max_length=4)


class WindowTerm(_Term):
    """Of which time; at least one of `from` and `last_days`, and where both are given, what both mean."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    from_: AwareDatetime | None = Field(default=None, alias="from", description="Included")
    to: AwareDatetime | None = Field(default=None, description="Excluded; null: what is to come is shared as well")
    last_days: int | None = Field(default=None, ge=1, le=3_660, description="Rolling: so many days back from now")


class BudgetTerm(_Term):
    """How many rows may be read; a row is one interval of one series, asset or class that was asked for."""

    rows_per_day: int | None = Field(default=None, ge=1, le=10**12, description="A day is one of UTC")
    rows_total: int | None = Field(default=None, ge=1, le=10**12)


class Terms(_Term):
    """Everything that is agreed about a share."""

    provider: Text = Field(description="Who shares, as the recipient is told")
    recipient: Text = Field(description="Who is given the share")
    purpose_en: Text = Field(description="What the data may be used for, in English")
    purpose_zh: Text = Field(description="The same in Chinese")
    assets: list[AssetTerm] = Field(min_length=1, max_length=50)
    tags: list[TagTerm] = Field(default_factory=list[TagTerm], max_length=50)
    alarms: AlarmTerm | None = None
    floor: Floor = Floor.HOUR
    time_zone: str | None = Field(default=None, max_length=64, description="Whose days and hours; null: UTC")
    settle_minutes: int = Field(
        default=10, ge=0, le=10_080, description="An interval is answered so long after its end: samples come late"
    )
    least_samples: int = Field(
        default=1,
        ge=1,
        le=100_000,
        description="An interval is answered where each of the shortest intervals in it has so many samples, or none",
    )
    window: WindowTerm
    budget: BudgetTerm = BudgetTerm()
    expires_at: AwareDatetime


def check_terms(terms: Terms, now: datetime) -> None:
    """Refuse terms that contradict themselves or would share raw data; a Problem names the field."""
    if terms.expires_at <= now:
        raise body_invalid("terms.expires_at", terms.expires_at, "has passed", "an instant to come")
    window = terms.window
    if window.from_ is None and window.last_days is None:
        raise body_invalid("terms.window.from", None, "is missing, and so is last_days", "one of the two, or both")
    if window.from_ is not None and window.to is not None and window.from_ >= window.to:
        raise body_invalid("terms.window.to", window.to, "is not after `from`", "an instant after `from`")
    if not terms.tags and terms.alarms is None:
        raise body_invalid("terms.tags", [], "is empty, and there are no alarms", "at least one of the two")
    with in_body():
        read_zone(terms.time_zone)
    for index, asset in enumerate(terms.assets):
        _check_names(f"terms.assets.{index}", asset.path, asset.alias)
    for index, tag in enumerate(terms.tags):
        _check_tag(f"terms.tags.{index}", tag)


def _check_tag(field: str, tag: TagTerm) -> None:
    _check_names(field, tag.path, tag.alias)
    if not tag.aggregates and tag.classes is None:
        raise body_invalid(f"{field}.aggregates", [], "is empty, and there are no classes", "at least one of the two")
    for aggregate in tag.aggregates:
        if aggregate in POINTS:
            allowed = ", ".join(each for each in Aggregate if each not in POINTS)
            raise body_invalid(f"{field}.aggregates", aggregate, "shows single samples, which are not shared", allowed)
    if tag.classes is not None and not (np.isfinite(tag.classes).all() and (np.diff(tag.classes) > 0).all()):
        raise body_invalid(f"{field}.classes", tag.classes, "does not ascend", "ascending finite numbers")


def _check_names(field: str, path: str, alias: str) -> None:
    try:
        parse_glob(path, f"{field}.path")
        shown = parse_glob(alias.replace(NUMBER, "n"), f"{field}.alias")
    except Problem as problem:
        with in_body():
            raise problem from problem
    if shown.exact is None or set(alias.replace(NUMBER, "", 1)) & set("{}"):
        raise body_invalid(f"{field}.alias", alias, "has a character that no name has", ALIAS_ALLOWED)
    if "*" in path and NUMBER not in alias:
        raise body_invalid(f"{field}.alias", alias, "is one name for what may be many", f"a name with {NUMBER} in it")
