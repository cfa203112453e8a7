"""A query that stands in an address: what links and browsers can send without a body."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.formats.accept import Format
from cloud_api.query.aggregates.names import IN_DATABASE, Aggregate
from cloud_api.query.buckets import Align
from cloud_api.query.fills import Fill
from cloud_api.query.models import Layout, PointsBy, QueryRequest, Resolution
from cloud_api.query.values import Int64
from cloud_api.scopes import ASSET

MAX_ID = 2**31 - 1


class FileForm(StrEnum):
    """Files that a link can ask for."""

    CSV = "csv"
    ARROW = "arrow"
    PARQUET = "parquet"


MEDIA = {FileForm.CSV: Format.CSV, FileForm.ARROW: Format.ARROW, FileForm.PARQUET: Format.PARQUET}


class QueryParameters(BaseModel):
    """Of GET /query: what POST /query takes, but for expressions and how aggregates are configured."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    series: list[Annotated[str, Field(min_length=1, max_length=1300)]] = Field(
        default_factory=list[str], max_length=100, description="Ids, paths or path globs"
    )
    asset: str | None = Field(default=None, min_length=1, max_length=1300, description=ASSET)
    from_: str = Field(alias="from", description="The first instant, included (RFC 3339)")
    to: str = Field(description="The last instant, excluded (RFC 3339)")
    interval: str | None = Field(default=None, max_length=200, examples=["15m"])
    time_zone: str | None = Field(default=None, max_length=64, examples=["Asia/Shanghai"])
    points: int | None = Field(default=None, ge=1, le=100_000)
    points_by: PointsBy = PointsBy.BUCKETS
    layout: Layout = Layout.SERIES
    excel: bool = False
    aggregate: list[Aggregate] = Field(
        default_factory=lambda: list(IN_DATABASE), min_length=1, max_length=len(Aggregate)
    )
    fill: Fill = Fill.NONE
    align: Align = Align.FROM
    resolution: Resolution = Resolution.AUTO
    int64: Int64 = Int64.NUMBER
    format: FileForm | None = Field(default=None, description="null: as `Accept` says")

    def request(self) -> QueryRequest:
        """The same as a body; a series whose name is digits alone is an id."""
        asked = self.model_dump(exclude={"format", "series"}, exclude_unset=True, by_alias=True)
        series = [int(name) if _is_id(name) else name for name in self.series]
        return QueryRequest.model_validate(asked | {"series": series})

    @property
    def file(self) -> Format | None:
        """The media type of `format`."""
        return None if self.format is None else MEDIA[self.format]

    @property
    def file_name(self) -> str:
        """What a browser should call the file: the window's beginning is enough to tell files apart."""
        begin = "".join(character for character in self.from_ if character.isascii() and character.isalnum())
        return f"millstream-{begin}.{self.format}"


def _is_id(name: str) -> bool:
    return name.isascii() and name.isdigit() and 0 < int(name) <= MAX_ID
