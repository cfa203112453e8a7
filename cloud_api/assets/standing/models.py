"""What the route of standings takes and gives."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.assets.models import AssetName
from cloud_api.instants import Instant
from cloud_api.scopes import ASSET


class StandingParameters(BaseModel):
    """Of GET /assets/standing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asset: str | None = Field(default=None, max_length=1300, description=ASSET)
    depth: int = Field(default=12, ge=1, le=12, description="So many levels, from the root")
    limit: int = Field(default=2_000, ge=1, le=10_000)


class StandingAlarms(BaseModel):
    """Open alarms at an asset and below: neither normal nor set aside."""

    critical: int
    high: int
    medium: int
    low: int
    active: int
    unacknowledged: int


class AssetStanding(BaseModel):
    """One asset with everything below it."""

    id: int
    path: str
    parent: str | None
    depth: int
    kind: str
    name: AssetName
    alarms: StandingAlarms
    series: int = Field(description="Series in use, at any depth")
    bad: int = Field(description="Of these, with a Bad last value")
    silent: int = Field(description="Of these, that never had a sample")
    oldest_at: Instant | None = Field(description="Up to here every series is measured: the one that is furthest back")
    newest_at: Instant | None = Field(description="The newest that any series is measured up to")


class StandingPage(BaseModel):
    """Assets in byte order of their paths."""

    items: list[AssetStanding]
    as_of: datetime
    is_cut: bool = Field(description="There are more than `limit`")
