"""What the routes of maintenance take and give."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from cloud_api.globs import MAX_CHARACTERS

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]


class MaintenanceState(StrEnum):
    """Where a maintenance stands in time."""

    PLANNED = "planned"
    ACTIVE = "active"
    ENDED = "ended"


class MaintenanceList(StrEnum):
    """Which maintenance a listing shows; `open`: planned and active."""

    OPEN = "open"
    PLANNED = "planned"
    ACTIVE = "active"
    ENDED = "ended"
    ALL = "all"


class MaintenanceParameters(BaseModel):
    """Of GET /maintenance."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: MaintenanceList = MaintenanceList.OPEN
    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")


class MaintenanceRequest(BaseModel):
    """Where, until when and why somebody works: one of device, asset and path; one of until and duration."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        json_schema_extra={"examples": [{"device": "press-03", "duration": "4h", "reason": "new bearings"}]},
    )

    device: str | None = Field(default=None, min_length=1, max_length=64)
    agent: str | None = Field(default=None, min_length=1, max_length=64, description="The device's agent")
    asset: str | None = Field(default=None, min_length=1, max_length=MAX_CHARACTERS, description="Its id or path")
    path: str | None = Field(default=None, min_length=1, max_length=MAX_CHARACTERS, description="A glob of series")
    from_: str | None = Field(default=None, alias="from", description="RFC 3339; left out: now")
    until: str | None = Field(default=None, description="RFC 3339")
    duration: str | None = Field(default=None, max_length=20, description="Such as 30m, 4h, 2d, from the beginning")
    reason: Text

    @model_validator(mode="after")
    def _one_of_each(self) -> "MaintenanceRequest":
        if sum(each is not None for each in (self.device, self.asset, self.path)) != 1:
            raise ValueError("give one of `device`, `asset` and `path`")
        if self.agent is not None and self.device is None:
            raise ValueError("`agent` tells which `device` is meant, which is missing")
        if (self.until is None) == (self.duration is None):
            raise ValueError("give one of `until` and `duration`")
        return self


class MaintenanceChange(BaseModel):
    """A later or earlier end, another reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    until: str | None = Field(default=None, description="RFC 3339")
    reason: Text | None = None
    version: int | None = Field(default=None, ge=0, description="The version that was seen; If-Match says the same")


class Maintenance(BaseModel):
    """A stretch of time in which somebody works somewhere."""

    id: UUID
    version: int
    state: MaintenanceState
    device: str | None
    agent: str | None
    asset: str | None
    path: str | None
    from_: datetime = Field(alias="from")
    until: datetime
    reason: str
    who: str
    created_at: datetime
    ended_at: datetime | None = Field(description="When it was ended before its time")
    ended_by: str | None
    alarms: int = Field(description="Alarms that it suppresses now: stale and bad_quality of what it covers")
    series: int = Field(description="Series that it covers")


class MaintenancePage(BaseModel):
    """Maintenance, the latest beginning first."""

    items: list[Maintenance]
    next: str | None
