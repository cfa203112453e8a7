"""What queries take and give, as OpenAPI shows it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cloud_api.query.aggregates.names import IN_DATABASE, Aggregate
from cloud_api.query.buckets import Align
from cloud_api.query.fills import Fill
from cloud_api.query.values import Int64

Cell: TypeAlias = str | int | float | bool | None
SeriesName: TypeAlias = (
    Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)]
    | Annotated[str, StringConstraints(min_length=1, max_length=1300, strict=True)]
)
EXAMPLE_TIME = "2026-01-31T08:00:00.123456Z"


class PointsBy(StrEnum):
    """What `points` are: aggregates of buckets, or stored samples chosen so that every extreme is among them."""

    BUCKETS = "buckets"
    MIN_MAX = "min_max"
    MIN_MAX_LTTB = "min_max_lttb"


class Layout(StrEnum):
    """Rows for each series, or one row for each time with the series side by side."""

    SERIES = "series"
    WIDE = "wide"


class Resolution(StrEnum):
    """What a query reads."""

    AUTO = "auto"
    RAW = "raw"


class Aggregation(BaseModel):
    """How a series is aggregated where a request says nothing; null: as Part 13 has it, or as the kind suggests."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stepped: bool | None = None
    treat_uncertain_as_bad: bool | None = None
    percent_data_good: int | None = Field(default=None, ge=0, le=100)
    percent_data_bad: int | None = Field(default=None, ge=0, le=100)
    sloped_extrapolation: bool | None = None
    counter_rollover: float | None = Field(default=None, gt=0)


class Series(BaseModel):
    """The stored history of a tag."""

    id: int
    path: str = Field(examples=["hangzhou/press-shop/line-1/press-03/motor/current"])
    kind: str = Field(description="f64, f32, i64, u64, bool, str, json; none until a value has come")
    unit: str | None
    description: str | None
    low: float | None
    high: float | None
    device: str | None
    asset: str | None
    agent: str = Field(description="The source: the agent that owns this series")
    source_path: str = Field(description="The path that the source uses; `path` may have been changed since")
    scan_period_s: float | None
    aggregation: Aggregation | None
    calculation: str | None = Field(description="on_the_fly or materialised; null: measured")
    created_at: datetime
    retired_at: datetime | None


class SeriesPage(BaseModel):
    """Series in byte order of their paths."""

    items: list[Series]
    next: str | None = Field(description="The cursor of the next page; null on the last")


class Sample(BaseModel):
    """One stored value."""

    time: str = Field(examples=[EXAMPLE_TIME])
    value: Any = Field(description="Exactly as it was read; null where the source gave none")
    status: int = Field(description="OPC UA StatusCode; 0 is Good")


class SamplePage(BaseModel):
    """Raw samples of one series, ascending."""

    series: Series
    items: list[Sample]
    next: str | None
    complete: bool = Field(
        description="False where the time limit or a failure of the database ended a long page before its `limit`: "
        "`next` goes on behind the last sample that is here"
    )


class LatestSample(BaseModel):
    """The last measured sample of a series, by source time."""

    id: int
    path: str
    kind: str
    unit: str | None
    time: str = Field(examples=[EXAMPLE_TIME])
    value: Any
    status: int
    quality: str = Field(examples=["good", "uncertain", "bad"])
    arrived_at: str = Field(description="When it was stored", examples=[EXAMPLE_TIME])


class LatestPage(BaseModel):
    """Latest samples in byte order of their paths."""

    items: list[LatestSample]
    next: str | None


class Calculation(BaseModel):
    """Arithmetic between series, answered like one more series."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=100, examples=["difference"])
    expression: str = Field(
        min_length=1,
        max_length=2_000,
        description="Series by quoted path or by variable; `maximum(a)` is that aggregate of a series",
        examples=["a - b"],
    )
    unit: str | None = Field(default=None, max_length=64, description="null: that of the series, where it is simple")


class QueryRequest(BaseModel):
    """Which series, which window, and how many buckets."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "series": ["hangzhou/press-shop/line-1/*/motor/current"],
                    "from": "2026-01-31T00:00:00Z",
                    "to": "2026-02-01T00:00:00Z",
                    "interval": "15m",
                    "aggregate": ["average", "maximum"],
                }
            ]
        },
    )

    series: list[SeriesName] = Field(
        default_factory=list[SeriesName], max_length=100, description="Ids, paths or path globs"
    )
    asset: SeriesName | None = Field(
        default=None,
        description="Asset by id or exact path: of what `series` means, only below it; alone, all of that",
    )
    expressions: list[Calculation] = Field(default_factory=list[Calculation], max_length=20)
    variables: dict[str, SeriesName] = Field(
        default_factory=dict[str, SeriesName], max_length=50, description="Names for series in `expressions`"
    )
    from_: str = Field(alias="from", description="The first instant, included", examples=["2026-01-31T00:00:00Z"])
    to: str = Field(description="The last instant, excluded", examples=["2026-02-01T00:00:00Z"])
    interval: str | None = Field(
        default=None,
        max_length=200,
        description="Length of a bucket (100ms, 15m, 1h), a calendar unit (1d, 1w, 1mo, 1y), or shifts (06:00-14:00)",
        examples=["15m"],
    )
    time_zone: str | None = Field(
        default=None,
        max_length=64,
        description="Whose days, weeks, months and shifts: a name of the IANA time zone database; null: UTC",
        examples=["Asia/Shanghai"],
    )
    points: int | None = Field(default=None, ge=1, le=100_000, description="At most so many rows, instead of interval")
    points_by: PointsBy = Field(
        default=PointsBy.BUCKETS,
        description="buckets, or stored samples among which are all extremes (min_max), or the best looking of these",
    )
    layout: Layout = Field(default=Layout.SERIES, description="wide: series side by side, a row for each time")
    excel: bool = Field(default=False, description="CSV for spreadsheets: byte order mark, time of `time_zone`")
    aggregate: list[Aggregate] = Field(
        default_factory=lambda: list(IN_DATABASE), min_length=1, max_length=len(Aggregate)
    )
    fill: Fill = Field(
        default=Fill.NONE,
        description="Where no sample is: no row, nulls, the value before, or a line to the next; a status says so",
    )
    align: Align = Field(
        default=Align.FROM,
        description="Buckets begin at `from` (Part 13), or on the clock of `time_zone`",
    )
    resolution: Resolution = Field(
        default=Resolution.AUTO, description="raw without interval and points: the samples themselves"
    )
    as_of: str | None = Field(
        default=None,
        description="Answer as it was known then, from rollups: corrections and late samples since do not count",
        examples=[EXAMPLE_TIME],
    )
    treat_uncertain_as_bad: bool | None = Field(
        default=None, description="Part 13 TreatUncertainAsBad; null, here and below: as the series says, else true"
    )
    percent_data_good: int | None = Field(
        default=None, ge=0, le=100, description="Part 13 PercentDataGood, 100; at least 100 - `percent_data_bad`"
    )
    percent_data_bad: int | None = Field(default=None, ge=0, le=100, description="Part 13 PercentDataBad, 100")
    stepped: bool | None = Field(
        default=None, description="Whether a value holds until the next: for bool, str and json, else a line"
    )
    sloped_extrapolation: bool | None = Field(default=None, description="Part 13 UseSlopedExtrapolation, false")
    counter_rollover: float | None = Field(
        default=None, gt=0, description="Where a counter starts again from 0, such as 65536; else a fall is a restart"
    )
    int64: Int64 = Int64.NUMBER


class QuerySeries(BaseModel):
    """The rows of one series."""

    id: int | None
    path: str | None
    name: str | None = Field(default=None, description="Of a calculation")
    expression: str | None = Field(default=None, description="Of a calculation")
    unit: str | None
    columns: list[str] | None = Field(
        examples=[["time", "average", "maximum", "status"]],
        description="With aggregates beyond average, minimum, maximum, count also `<aggregate>_status` of each",
    )
    rows: list[list[Cell]] | None


class MovedEdges(BaseModel):
    """Edges of buckets that fell inside of what is kept: each was moved back to the start of a whole `bucket`."""

    first: str = Field(description="The first of them, as asked")
    last: str = Field(description="The last of them, as asked")
    bucket: str = Field(examples=["1m", "15m"])
    edges: int = Field(description="How many were moved; those between that begin a bucket stayed")


class Aligned(BaseModel):
    """What was answered where raw samples are not kept and that is not exactly what was asked for."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from", description="The window that was answered")
    to: str
    moved: list[MovedEdges] = Field(description="Times in rows stay those asked; empty where raw samples were asked")


class QueryAnswer(BaseModel):
    """Rows of every series, and which resolution served them."""

    model_config = ConfigDict(populate_by_name=True)

    resolution: str = Field(description="The coarsest source that was read: raw, 1m or 15m", examples=["raw"])
    estimate: int = Field(description="Rows of all sources that the planner expected to read")
    rows_scanned: int = Field(description="Rows that were read")
    scanned: dict[str, int] = Field(description="Rows by source", examples=[{"15m": 2_880, "raw": 42}])
    as_of: str | None = Field(default=None, description="The past view that was asked for")
    aligned: Aligned | None = Field(
        default=None,
        description="Where raw samples are gone: the window and the edges that were answered; null: those asked for",
    )
    from_: str = Field(alias="from")
    to: str
    interval: str | None
    align: Align | None
    time_zone: str | None
    fill: Fill
    partial: list[str] = Field(description="Starts of the buckets that the window cuts")
    series: list[QuerySeries]
    columns: list[str] | None = Field(default=None, description="With layout wide, instead of rows in `series`")
    rows: list[list[Cell]] | None = Field(default=None, description="With layout wide")


class Gap(BaseModel):
    """A stretch known to be missing, and why."""

    id: int
    agent: str
    device: str | None
    paths: list[str] | None = Field(description="The tags that miss samples; null: all of the device or the agent")
    from_at: datetime
    to_at: datetime
    reason: str
    epoch: str | None
    first_batch: int | None
    last_batch: int | None
    recorded_at: datetime


class GapPage(BaseModel):
    """Gaps, newest record first."""

    items: list[Gap]
    next: str | None
