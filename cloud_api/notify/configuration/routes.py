"""What a route is: which alarms, when, to whom, step by step until somebody acknowledges."""

from datetime import date, time
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from cloud_api.globs import MAX_CHARACTERS, parse_glob
from cloud_api.notify.configuration.calendars import WEEKDAYS, Calendar, Day, Shift
from cloud_api.notify.configuration.channels import Name, Switch
from cloud_api.notify.configuration.holidays import load_holidays
from cloud_api.notify.configuration.lengths import Length, read_length
from cloud_api.problems import Problem


class Priority(StrEnum):
    """Priorities of alarms."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Told(StrEnum):
    """What people are told of: an alarm that needs them, and what became of it."""

    RAISE = "raise"
    CLEAR = "clear"
    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    OUT_OF_SERVICE = "out_of_service"


class Outside(StrEnum):
    """What becomes of an alarm outside the calendar: the route leaves it alone, or tells of it when a shift begins."""

    SKIP = "skip"
    HOLD = "hold"


class Until(StrEnum):
    """What ends the escalation."""

    ACKNOWLEDGED = "acknowledged"
    ACKNOWLEDGED_OR_CLEARED = "acknowledged_or_cleared"


class Then(StrEnum):
    """Whether routes further down see what this one has taken."""

    CONTINUE = "continue"
    STOP = "stop"


class GroupBy(StrEnum):
    """What the alarms of one message have in common."""

    POSITION = "position"
    CLASS = "class"
    PRIORITY = "priority"
    DEFINITION = "definition"
    AREA = "area"
    LINE = "line"
    ALARM = "alarm"


def _check_glob(text: str) -> str:
    try:
        parse_glob(text)
    except Problem as problem:
        raise ValueError(problem.detail) from problem
    return text


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone; allowed: an IANA name, as Asia/Shanghai") from error
    return name


Glob = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS), AfterValidator(_check_glob)]
Word = Annotated[str, Field(min_length=1, max_length=100)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class AlarmMatch(_Model):
    """Which alarms; every list that is given must have the alarm's own."""

    priorities: list[Priority] | None = Field(default=None, min_length=1)
    classes: list[Word] | None = Field(default=None, min_length=1, max_length=100)
    positions: list[Word] | None = Field(default=None, min_length=1, max_length=100)
    paths: list[Glob] | None = Field(default=None, min_length=1, max_length=100)


class ShiftRequest(_Model):
    """A shift; over midnight when it ends before it begins, a whole day when both are the same."""

    days: list[Day] = Field(default_factory=lambda: list(WEEKDAYS), min_length=1, description="Days on which it begins")
    from_: time = Field(default=time(), alias="from")
    to: time = time()


class CalendarRequest(_Model):
    """When a route is there; a country's holidays and make-up days decide what a workday is."""

    zone: Annotated[str, AfterValidator(_check_zone)] = "UTC"
    shifts: list[ShiftRequest] = Field(min_length=1, max_length=50)
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$", description="ISO 3166, as CN or DE")
    subdivision: str | None = Field(default=None, max_length=10, examples=["BY"])
    holidays: list[date] = Field(default_factory=list[date], max_length=1000)
    workdays: list[date] = Field(default_factory=list[date], max_length=1000)

    @field_validator("country")
    @classmethod
    def _check_country(cls, country: str | None) -> str | None:
        if country is not None:
            load_holidays(country, None)
        return country

    @field_validator("subdivision")
    @classmethod
    def _check_subdivision(cls, subdivision: str | None, info: ValidationInfo) -> str | None:
        # Without a country there is nothing to part; one that was refused has said so itself.
        if subdivision is not None and (country := info.data.get("country")) is not None:
            load_holidays(country, subdivision)
        return subdivision

    def read(self) -> Calendar:
        """Make the calendar."""
        return Calendar(
            ZoneInfo(self.zone),
            tuple(Shift(frozenset(shift.days), shift.from_, shift.to) for shift in self.shifts),
            frozenset(self.holidays),
            frozenset(self.workdays),
            None if self.country is None else load_holidays(self.country, self.subdivision),
        )


class Step(_Model):
    """One step of the escalation: so long after the alarm, these channels."""

    after: Length = "0s"
    channels: list[UUID] = Field(min_length=1, max_length=20)


class Grouping(_Model):
    """How alarms become one message."""

    by: list[GroupBy] = Field(default_factory=lambda: [GroupBy.POSITION], max_length=4)
    wait: Length = Field(default="5s", description="So long the first alarm waits for others")
    interval: Length = Field(default="1m", description="At least so long between messages of a group")
    flood_over: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="More alarms in 10 minutes are a flood: one message, until fewer than half",
    )


class Repeat(_Model):
    """The last step again, while nobody acknowledges."""

    every: Length
    times: int = Field(ge=1, le=1000)

    @field_validator("every")
    @classmethod
    def _check_every(cls, every: str) -> str:
        if not read_length(every):
            raise ValueError("is not longer than 0s")
        return every


class Inhibition(_Model):
    """While another alarm is active, those of this route wait: who sees the cause needs no consequences."""

    while_: AlarmMatch = Field(alias="while")
    same: list[Literal["position", "class", "area", "line"]] = Field(
        default_factory=list[Literal["position", "class", "area", "line"]],
        max_length=4,
        description="Only where both have the same",
    )


class RouteRequest(_Model):
    """A route. Routes are asked in the order of `place`, then name."""

    name: Name
    state: Switch = Switch.ENABLED
    place: int = Field(default=100, ge=0, le=10_000)
    match: AlarmMatch = AlarmMatch()
    events: list[Told] = Field(default_factory=lambda: [Told.RAISE], min_length=1)
    calendar: CalendarRequest | None = None
    outside: Outside = Outside.SKIP
    group: Grouping = Grouping()
    inhibit: list[Inhibition] = Field(default_factory=list[Inhibition], max_length=20)
    steps: list[Step] = Field(min_length=1, max_length=10)
    repeat: Repeat | None = None
    until: Until = Until.ACKNOWLEDGED
    then: Then = Then.CONTINUE

    @field_validator("steps")
    @classmethod
    def _check_steps(cls, steps: list[Step]) -> list[Step]:
        waits = [read_length(step.after) for step in steps]
        if waits != sorted(set(waits)):
            raise ValueError("each `after` must be longer than that of the step before")
        return steps


class Route(RouteRequest):
    """A route as it is kept."""

    id: UUID
    version: int
    updated_at: str
    updated_by: str


class RoutePage(BaseModel):
    """Every route, in the order in which they are asked."""

    items: list[Route]
