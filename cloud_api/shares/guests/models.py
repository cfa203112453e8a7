"""What requests and answers of a share look like to its recipient."""

from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.instants import Instant
from cloud_api.query.aggregates.names import Aggregate
from cloud_api.shares.terms import Floor, Priority

Cell: TypeAlias = str | int | float | bool | None


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: str = Field(alias="from", description="RFC 3339, included; where an interval begins on the clock")
    to: str = Field(description="RFC 3339, excluded; where an interval ends that has ended long enough ago")
    interval: str | None = Field(
        default=None, max_length=20, description="Whole multiples of the shortest one; null: the shortest one"
    )


class DataParameters(_Asked):
    """Of GET /shared/data."""

    series: str = Field(default="**", max_length=300, description="Names of series, with * and **")
    aggregate: list[Aggregate] = Field(default_factory=list[Aggregate], description="None: all that are shared")


class ClassParameters(_Asked):
    """Of GET /shared/classes."""

    series: str = Field(default="**", max_length=300, description="Names of series, with * and **")


class AlarmParameters(_Asked):
    """Of GET /shared/alarms."""

    priority: list[Priority] = Field(default_factory=list[Priority], description="None: all that are shared")


class SharedWindow(BaseModel):
    """The time that can be asked for now."""

    model_config = ConfigDict(populate_by_name=True)

    from_: Instant = Field(alias="from")
    to: Instant


class SharedDescription(BaseModel):
    """What a share is."""

    name: str
    provider: str
    recipient: str
    purpose_en: str
    purpose_zh: str
    expires_at: Instant
    floor: Floor = Field(description="The shortest interval that is answered")
    time_zone: str | None = Field(description="Whose clock; null: UTC")
    settle_minutes: int = Field(description="How long after its end an interval is answered")
    least_samples: int
    window: SharedWindow
    series_count: int
    asset_count: int
    alarm_priorities: list[Priority]
    rows_per_day: int | None
    rows_total: int | None
    rows_left: int | None = Field(description="How many rows may be read now; null: no limit")
    version: int


class SharedSeriesItem(BaseModel):
    """A series of a share, by the name that it has outside."""

    series: str
    unit: str | None
    aggregates: list[Aggregate]
    classes: list[float] | None


class SharedSeriesList(BaseModel):
    """Of GET /shared/series."""

    items: list[SharedSeriesItem]
    assets: list[str]


class SharedTable(BaseModel):
    """Rows, every interval that was asked for; null where there is nothing, or too little, to tell."""

    model_config = ConfigDict(populate_by_name=True)

    share: str
    from_: str = Field(alias="from")
    to: str
    interval: str
    time_zone: str | None
    columns: list[str]
    rows: list[list[Cell]]
