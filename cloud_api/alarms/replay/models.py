"""What a replay takes and gives."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

LONGEST_DAYS = 400


class Against(StrEnum):
    """What the replayed alarms are compared with."""

    STORED = "stored"
    JOURNAL = "journal"


class ReplayState(StrEnum):
    """How far a replay is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ReplayRequest(BaseModel):
    """Which definitions over which history."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    definitions: list[dict[str, Any]] = Field(
        default_factory=list[dict[str, Any]], max_length=100, description="Definitions as they would be"
    )
    names: list[str] = Field(default_factory=list[str], max_length=100, description="Stored definitions as they are")
    from_: str = Field(alias="from", description="The first instant, included (RFC 3339)")
    to: str = Field(description="The last instant, excluded (RFC 3339); at most now")
    against: Against = Field(
        default=Against.STORED,
        description="stored: the stored definition of that name over the same history; journal: what really happened",
    )
    max_samples: int = Field(default=20_000_000, ge=1, le=200_000_000, description="Refused when it would read more")


class Shift(BaseModel):
    """An alarm that comes at another time."""

    path: str
    before_at: datetime
    delay_s: float


class Stretch(BaseModel):
    """An alarm that is only there before, or only after."""

    model_config = ConfigDict(populate_by_name=True)

    path: str
    from_: datetime = Field(alias="from")
    to: datetime


class Shifts(BaseModel):
    """Alarms that come later, or earlier."""

    count: int
    most_s: float
    mean_s: float
    items: list[Shift] = Field(description="The hundred that moved most")


class Stretches(BaseModel):
    """Alarms that vanish, or are new."""

    count: int
    items: list[Stretch] = Field(description="The first hundred")


class Advice(BaseModel):
    """Whether a limit leaves time to respond at the worst rate of change in the window."""

    path: str
    level: str
    limit: float
    consequence: float
    worst_rate_per_s: float
    worst_rate_at: datetime | None
    time_left_s: float | None = Field(description="From the limit to the consequence; null: it never moved that way")
    time_needed_s: float
    advised_limit: float
    is_enough: bool


class PlaceProblem(BaseModel):
    """A place that the definition cannot be evaluated at."""

    path: str
    problem: str


class DefinitionReplay(BaseModel):
    """What became of one definition."""

    name: str
    against: str = Field(description="stored, journal, or nothing when no definition of this name is stored")
    places: int
    problems: list[PlaceProblem]
    before: int
    after: int
    before_per_day: float
    after_per_day: float
    kept: int
    later: Shifts
    earlier: Shifts
    vanished: Stretches
    new: Stretches
    active_before_s: float
    active_after_s: float
    advice: list[Advice]


class Replay(BaseModel):
    """A replay and how far it is."""

    model_config = ConfigDict(populate_by_name=True)

    id: UUID
    state: ReplayState
    progress: float = Field(description="From 0 to 1")
    samples: int = Field(description="Read so far")
    error: str | None
    from_: datetime = Field(alias="from")
    to: datetime
    started_at: datetime
    ended_at: datetime | None
    definitions: list[DefinitionReplay]
