"""What the routes of calculations take and give, as OpenAPI shows it."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.expressions.language import MAX_CHARACTERS

EXAMPLE_TIME = "2026-01-31T08:00:00.000000Z"
Name = Annotated[str, Field(min_length=1, max_length=64)]
SeriesName = Annotated[int, Field(ge=1, le=2**31 - 1)] | Annotated[str, Field(min_length=1, max_length=1_300)]


class Mode(StrEnum):
    """When it is calculated."""

    ON_THE_FLY = "on_the_fly"
    MATERIALISED = "materialised"


class Formula(BaseModel):
    """An expression over series."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    expression: str = Field(
        min_length=1,
        max_length=MAX_CHARACTERS,
        description="Over paths in quotes and variables; between its samples a series holds its value",
        examples=['"line-1/press-03/power" + "line-1/press-04/power"'],
    )
    variables: dict[Name, SeriesName] = Field(
        default_factory=dict, max_length=50, description="Names in the expression: the id or the path of a series"
    )


class CalculationChange(Formula):
    """How a series is calculated."""

    mode: Mode = Field(
        default=Mode.ON_THE_FLY,
        description="`on_the_fly`: whenever somebody asks, nothing is stored. `materialised`: once, when its inputs "
        "are there, with samples and rollups of its own, and again when inputs come late or are corrected",
    )
    unit: str | None = Field(default=None, max_length=64, description="null: as it follows from the expression")
    description: str | None = Field(default=None, max_length=1_000)
    backfill_from: str | None = Field(
        default=None, description="Materialised: calculate the past from here on, too (RFC 3339)"
    )


class NewCalculation(CalculationChange):
    """A series that is to be calculated."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "path": "line-1/power",
                    "expression": '"line-1/press-03/power" + "line-1/press-04/power"',
                    "mode": "materialised",
                }
            ]
        },
    )

    path: str = Field(min_length=1, max_length=1_300, description="Where the series shows; it must be free")


class Backfill(BaseModel):
    """Which part of the past is to be calculated again."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: str = Field(alias="from", examples=[EXAMPLE_TIME], description="The first instant, included (RFC 3339)")
    to: str | None = Field(default=None, description="The last instant, excluded; null: up to now")


class Preview(Formula):
    """What an expression would give."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: str = Field(alias="from", examples=[EXAMPLE_TIME], description="The first instant, included (RFC 3339)")
    to: str = Field(description="The last instant, excluded (RFC 3339)")
    limit: int = Field(default=1_000, ge=1, le=10_000, description="Rows at most")


class Input(BaseModel):
    """A series that the expression names."""

    name: str = Field(description="As the expression has it")
    series_id: int
    path: str = Field(description="Where it shows now")
    unit: str | None
    calculation: Mode | None = Field(description="null: measured")


class State(BaseModel):
    """How far a materialised calculation is."""

    evaluated_until: str | None = Field(examples=[EXAMPLE_TIME], description="null: not begun")
    waits_for: str | None = Field(description="`agent/device`: the input that is measured least far; null: none says")
    measured_until: str | None = Field(description="How far that is")
    pending: int = Field(description="Stretches that wait to be calculated again")
    pending_from: str | None
    pending_to: str | None
    problem: str | None = Field(description="Why it does not get on; it is tried again by itself")


class Calculation(BaseModel):
    """A calculated series and its definition."""

    id: int
    series_id: int
    path: str
    version: int
    mode: Mode
    expression: str
    variables: dict[str, int | str]
    unit: str | None
    description: str | None
    kind: str = Field(description="f64, or bool where the expression says yes or no")
    inputs: list[Input]
    state: State | None = Field(description="null: on the fly")
    created_at: str
    updated_at: str
    updated_by: str


class CalculationPage(BaseModel):
    """Calculations in byte order of their paths."""

    items: list[Calculation]
    next: str | None


class VersionAnswer(BaseModel):
    """A definition as it was."""

    version: int
    change: str = Field(description="create, change or delete")
    mode: Mode
    expression: str
    variables: dict[str, int | str]
    unit: str | None
    description: str | None
    changed_at: str
    changed_by: str


class VersionList(BaseModel):
    """Every version, the newest first."""

    items: list[VersionAnswer]


class PreviewRow(BaseModel):
    """One result."""

    time: str
    value: Any
    status: int


class PreviewAnswer(BaseModel):
    """What an expression gives in a window, and nothing is stored."""

    unit: str | None
    kind: str
    inputs: list[Input]
    items: list[PreviewRow]
    is_whole: bool = Field(description="Whether the window has no more rows than these")
    until: str = Field(description="Up to where all inputs are measured; later rows are not there yet")
