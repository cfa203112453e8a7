"""Completeness as the API asks for it and gives it."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.completeness.service import Group
from cloud_api.scopes import ASSET
from cloud_api.sheets import SheetForm


class SheetRows(StrEnum):
    """What a row of a CSV answer is."""

    ITEMS = "items"
    HOLES = "holes"


class CompletenessParameters(BaseModel):
    """Of GET /completeness."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    path: str | None = Field(default=None, max_length=1300, description="Path glob", examples=["hangzhou/**"])
    asset: str | None = Field(default=None, description=ASSET)
    agent: str | None = Field(default=None, max_length=64)
    from_: str = Field(alias="from", description="The first instant, included (RFC 3339)")
    to: str = Field(description="The last instant, excluded (RFC 3339)")
    group: Group = Group.SERIES
    depth: int | None = Field(default=None, ge=1, le=12, description="With group=asset: so many levels")
    holes: int = Field(default=100, ge=0, le=10_000, description="So many holes of each series, longest first")
    rows: SheetRows = Field(default=SheetRows.ITEMS, description="CSV: a row for each item, or for each hole")
    csv: SheetForm = SheetForm.PLAIN
    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")


class HoleModel(BaseModel):
    """A stretch that is missing."""

    from_at: datetime
    to_at: datetime
    reason: str = Field(examples=["device_unreachable"])
    blame: str | None = Field(description="device, line, agent, broker, database, cloud; null without evidence")


class Planned(BaseModel):
    """A stretch of maintenance."""

    from_at: datetime
    to_at: datetime


class ReasonSum(BaseModel):
    """What went missing for one reason."""

    reason: str
    blame: str | None
    holes: int
    missing_s: float


class CompletenessItem(BaseModel):
    """A series, an asset or an agent; what does not belong to the kind of item is left out."""

    id: int | None = Field(default=None, description="Of a series")
    path: str | None = Field(default=None, description="Of a series")
    asset: str | None = Field(default=None, description="The asset of a series; the item itself with group=asset")
    agent: str | None = None
    device: str | None = None
    promise: str | None = Field(default=None, examples=["every_scan", "max_silence", "on_change"])
    interval_s: float | None = Field(default=None, description="A sample is due so long after the one before")
    known_from: datetime | None = None
    known_until: datetime | None = Field(default=None, description="Up to here its source says that all was delivered")
    series: int | None = Field(default=None, description="Series of an asset or agent")
    percent: float | None = Field(description="Covered time in percent of expected time; null when nothing is known")
    expected: int | None = Field(description="Samples due; behind a deadband the least that there must be")
    received: int
    expected_s: float = Field(description="Known time that was not planned")
    missing_s: float
    planned_s: float
    unknown_s: float
    holes: list[HoleModel] | None = None
    more_holes: int | None = Field(default=None, description="Shorter holes that are not listed")
    planned: list[Planned] | None = None
    unknown: list[HoleModel] | None = None
    reasons: list[ReasonSum]


class CompletenessAnswer(BaseModel):
    """How complete history is."""

    from_at: datetime
    to_at: datetime
    group: str
    resolution: str = Field(description="raw, or the rollup whose counts were used where there were any")
    blind_below_s: float | None = Field(
        description="Silences shorter than this may be hidden, because so many rows would be too much; null: none is"
    )
    total: CompletenessItem | None = Field(description="All items together; null when there are more pages")
    items: list[CompletenessItem]
    next: str | None
