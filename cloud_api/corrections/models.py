"""What corrections take and give, as OpenAPI shows it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

EXAMPLE_TIME = "2026-01-31T08:00:00.000000Z"


class CorrectionRequest(BaseModel):
    """What is to stand in a stretch of one series instead of what was measured."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "from": "2026-01-31T08:00:00Z",
                    "to": "2026-01-31T08:05:00Z",
                    "status": 0x808C0000,
                    "reason": "sensor was unplugged for calibration",
                }
            ]
        },
    )

    from_: str = Field(alias="from", description="The first instant, included (RFC 3339)")
    to: str = Field(description="The last instant, excluded (RFC 3339)")
    value: Any = Field(default=None, description="Takes the place of every value there; of the kind of the series")
    status: int | None = Field(
        default=None,
        ge=0,
        le=2**32 - 1,
        description="OPC UA StatusCode; with a value and without one it is GoodLocalOverride (0x00960000)",
    )
    reason: str = Field(min_length=1, max_length=1_000, description="Why; shown beside the correction for ever")


class Correction(BaseModel):
    """A correction that was made."""

    id: int
    series_id: int
    from_: str = Field(alias="from", examples=[EXAMPLE_TIME])
    to: str = Field(examples=[EXAMPLE_TIME])
    value: Any = Field(description="null: the values stayed, only their status was changed")
    status: int
    reason: str
    principal: str = Field(description="Who made it")
    at: str = Field(examples=[EXAMPLE_TIME])
    sample_count: int


class CorrectionPage(BaseModel):
    """Corrections of one series, newest first."""

    items: list[Correction]
    next: str | None


class OldSample(BaseModel):
    """A sample as it was before."""

    time: str = Field(examples=[EXAMPLE_TIME])
    value: Any
    status: int


class CorrectedSamples(BaseModel):
    """One correction with the samples as they were before it, ascending."""

    correction: Correction
    items: list[OldSample]
    next: str | None


class CorrectionParameters(BaseModel):
    """Of GET /series/{id}/corrections."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")


class OldSampleParameters(BaseModel):
    """Of GET /series/{id}/corrections/{correction_id}."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=1_000, ge=1, le=100_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")
