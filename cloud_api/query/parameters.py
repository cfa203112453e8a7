"""What listings read from the address; a parameter that does not exist is refused instead of ignored."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.globs import MAX_CHARACTERS
from cloud_api.query.values import Int64
from cloud_api.scopes import ASSET

GLOB = "Path glob: `*` is one level, `**` any number of levels"
CURSOR = "`next` of the page before"
MOST_LIVE_PATHS = 50
EARLIEST, LATEST = "1900-01-01T00:00:00Z", "2261-12-31T23:59:59.999999Z"


class Retired(StrEnum):
    """Whether a listing shows retired series."""

    EXCLUDE = "exclude"
    INCLUDE = "include"


class SeriesParameters(BaseModel):
    """Of GET /series."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = Field(default=None, max_length=MAX_CHARACTERS, description=GLOB, examples=["hangzhou/**"])
    asset: str | None = Field(default=None, description=ASSET)
    q: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Words in path, description or names of the asset; letters also as pinyin (`dl`: 电流)",
    )
    retired: Retired = Field(default=Retired.EXCLUDE)
    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description=CURSOR)


class LatestParameters(BaseModel):
    """Of GET /latest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = Field(
        default=None, max_length=MAX_CHARACTERS, description=GLOB, examples=["hangzhou/*/line-1/**"]
    )
    asset: str | None = Field(default=None, description=ASSET)
    limit: int = Field(default=1_000, ge=1, le=10_000)
    cursor: str | None = Field(default=None, description=CURSOR)
    int64: Int64 = Field(default=Int64.NUMBER, description="string: 64-bit integers as strings, for JavaScript")


class LiveParameters(BaseModel):
    """Of GET /stream."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: list[Annotated[str, Field(max_length=MAX_CHARACTERS)]] = Field(
        default_factory=list[str],
        max_length=MOST_LIVE_PATHS,
        description=f"{GLOB}; several: what any of them means",
        examples=[["hangzhou/**"]],
    )
    asset: str | None = Field(default=None, max_length=MAX_CHARACTERS, description=ASSET)
    int64: Int64 = Field(default=Int64.NUMBER, description="string: 64-bit integers as strings, for JavaScript")


class SampleParameters(BaseModel):
    """Of GET /series/{id}/samples."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: str = Field(default=EARLIEST, alias="from", description="The first instant, included (RFC 3339)")
    to: str = Field(default=LATEST, description="The last instant, excluded (RFC 3339)")
    limit: int | None = Field(
        default=None, ge=1, le=100_000, description="Rows at most; null: 1000 of JSON, all of any other format"
    )
    cursor: str | None = Field(default=None, description=CURSOR)
    int64: Int64 = Field(default=Int64.NUMBER, description="string: 64-bit integers as strings, for JavaScript")
    excel: bool = Field(default=False, description="CSV for spreadsheets: byte order mark, time of `time_zone`")
    time_zone: str | None = Field(
        default=None, max_length=64, description="Of `excel`; null: UTC", examples=["Asia/Shanghai"]
    )


class GapParameters(BaseModel):
    """Of GET /gaps."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    asset: str | None = Field(default=None, description=ASSET)
    agent: str | None = Field(default=None, max_length=64)
    device: str | None = Field(default=None, max_length=64)
    reason: str | None = Field(default=None, max_length=64, examples=["agent_stopped"])
    from_: str | None = Field(default=None, alias="from", description="Gaps that end after this instant (RFC 3339)")
    to: str | None = Field(default=None, description="Gaps that begin before this instant (RFC 3339)")
    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description=CURSOR)
