"""What the HTTP doors of ingest give, as OpenAPI shows it; what POST /samples takes is read by posted.py."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class PostedSample(BaseModel):
    """One value for one series; the series is made when it does not exist."""

    path: str = Field(examples=["hangzhou/lab/oven-2/temperature"])
    time: str = Field(examples=["2026-01-31T08:00:00.123456Z"])
    value: Any = Field(default=None, description="A number, a boolean, a string; null needs a Bad status")
    status: int = Field(default=0, ge=0, le=2**32 - 1, description="OPC UA StatusCode")
    kind: str | None = Field(
        default=None,
        description="f64, i64, u64, bool, str or json; without it the value says its own",
        examples=["f64"],
    )


class Rejected(BaseModel):
    """Samples of one tag that were put aside, and why; see GET /rejects."""

    path: str | None
    reason: str
    count: int


class Stored(BaseModel):
    """What was committed."""

    agent: str | None
    epoch: str | None
    seq: int | None
    outcome: str = Field(examples=["stored", "repeated"])
    samples: int
    stored: int
    unchanged: int = Field(description="Were there already, equal")
    overwritten: int = Field(description="Replaced another value at the same time")
    rejected: list[Rejected]
    reason: str | None
    detail: str | None


class Reject(BaseModel):
    """What was put aside, without its bytes."""

    id: int
    received_at: datetime
    last_received_at: datetime
    occurrences: int = Field(description="How often the same was received")
    topic: str | None
    agent: str | None
    epoch: str | None
    seq: int | None
    path: str | None = Field(description="The tag; null for a whole batch")
    reason: str
    detail: str | None
    form: str = Field(description="payload: the batch as it came; samples: samples of one tag of it")
    sample_count: int
    first_at: datetime | None
    last_at: datetime | None
    payload_bytes: int
    replayed_at: datetime | None
    replayed_by: str | None


class RejectPage(BaseModel):
    """Rejects, newest first."""

    items: list[Reject]
    next: str | None
