"""The proof of delivery as the API gives it."""

from datetime import datetime

from pydantic import BaseModel, Field


class EpochDelivery(BaseModel):
    """Batches of one start of the agent."""

    epoch: str
    first: int = Field(description="The first number that may be of the window")
    last: int
    stored: int
    rejected: int
    lost: int = Field(description="Declared lost by the agent")
    open: int = Field(description="Not arrived")
    open_ranges: list[list[int]] = Field(description="Their numbers, from and to, at most 100 ranges")
    heard_until: datetime


class Delivery(BaseModel):
    """What became of every batch that an agent made in a window."""

    agent: str
    from_at: datetime
    to_at: datetime
    verdict: str = Field(examples=["complete", "declared_lost", "open", "unknown"])
    statement: str = Field(examples=["0 batches missing between 2026-01-31T08:00:00Z and 2026-01-31T09:00:00Z"])
    why: str | None
    known_until: datetime | None = Field(description="All devices of the agent are delivered up to here")
    stored: int
    rejected: int
    lost: int
    open: int
    epochs: list[EpochDelivery]
