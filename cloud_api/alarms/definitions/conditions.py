"""Conditions as engineers write them, one model a kind; numbers may be a variable of the definition."""

import itertools
import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

VARIABLE = re.compile(r"\$[a-z][a-z0-9_]{0,39}")
PERCENT = re.compile(r"[0-9]+(\.[0-9]+)?%")
DAY_S = 86_400.0
PER_S = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": DAY_S}
PER_SIGN = {"second": "s", "minute": "min", "hour": "h", "day": "d"}
LEVELS = ("hihi", "hi", "lo", "lolo")


def _check_number(value: float | str) -> float | str:
    if isinstance(value, str) and not VARIABLE.fullmatch(value):
        raise ValueError("is neither a number nor a variable such as $limit")
    return value


def _check_deadband(value: float | str) -> float | str:
    if isinstance(value, str) and not (VARIABLE.fullmatch(value) or PERCENT.fullmatch(value)):
        raise ValueError("is neither a number, a variable such as $deadband, nor a share of the span such as 2%")
    if isinstance(value, float) and value < 0:
        raise ValueError("is below zero")
    return value


Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Number: TypeAlias = Annotated[Finite | str, AfterValidator(_check_number)]
Deadband: TypeAlias = Annotated[Finite | str, AfterValidator(_check_deadband)]
Delay: TypeAlias = Annotated[float, Field(ge=0, le=30 * DAY_S, allow_inf_nan=False)]
Span: TypeAlias = Annotated[float, Field(gt=0, le=366 * DAY_S, allow_inf_nan=False)]
Priority: TypeAlias = Literal["critical", "high", "medium", "low"]


class Part(BaseModel):
    """A part of a definition: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Texts(Part):
    """A text in both languages; one that is missing is taken from the other."""

    en: str = Field(default="", max_length=1000)
    zh: str = Field(default="", max_length=1000)


class Level(Part):
    """One limit. What is not said here is what the definition says for all levels."""

    limit: Number = Field(description="The condition holds beyond it; a number or a variable such as `$hi`")
    priority: Priority | None = None
    message: Texts | None = None
    deadband: Deadband | None = Field(default=None, description="How far back inside before it is over")
    on_delay_s: Delay | None = None
    off_delay_s: Delay | None = None


class Levels(Part):
    """Up to four levels; at least one."""

    hihi: Level | None = None
    hi: Level | None = None
    lo: Level | None = None
    lolo: Level | None = None
    deadband: Deadband = Field(
        default=0.0, description="For all levels: absolute, or a share of the series' span such as `2%`"
    )

    @model_validator(mode="after")
    def check_levels(self) -> "Levels":
        """At least one level, and plain numbers in their order."""
        if not self.levels():
            raise ValueError("has no level; give at least one of hihi, hi, lo, lolo")
        numbers = [(name, level.limit) for name, level in self.levels() if not isinstance(level.limit, str)]
        for (upper, high), (lower, low) in itertools.pairwise(numbers):
            if high <= low:
                raise ValueError(f"{upper} ({high:g}) is not above {lower} ({low:g})")
        return self

    def levels(self) -> list[tuple[str, Level]]:
        """The levels there are, from the highest to the lowest."""
        found = ((name, getattr(self, name)) for name in LEVELS)
        return [(name, level) for name, level in found if level is not None]


class LimitCondition(Levels):
    """A value beyond limits."""

    kind: Literal["limit"]


class DeviationCondition(Levels):
    """A value too far from the setpoint that another series holds; limits are of value minus setpoint."""

    kind: Literal["deviation"]
    setpoint: str = Field(
        min_length=1, max_length=1300, description="Path of the setpoint's series; `./` is beside the value's"
    )


class RateCondition(Levels):
    """A value that changes too fast; limits are of the change per `per`."""

    kind: Literal["rate"]
    per: Literal["second", "minute", "hour", "day"] = "minute"
    over_s: float = Field(
        default=0.0, ge=0, le=DAY_S, description="Compare samples this far apart at least; 0: each with the one before"
    )


class DiscreteCondition(Part):
    """A state that is one of these."""

    kind: Literal["discrete"]
    states: list[float | bool | str] = Field(min_length=1, max_length=100, description="Numbers, true/false or texts")
    labels: dict[str, Texts] = Field(
        default_factory=dict[str, Texts], max_length=100, description="What a state is called: `{label}` in messages"
    )


class StaleCondition(Part):
    """No sample for longer than expected."""

    kind: Literal["stale"]
    after_s: Span | None = Field(
        default=None,
        description="Expected interval; without it three scan periods, or the tag's longest silence and one period",
    )


class BadQualityCondition(Part):
    """A Bad status; the on-delay says for how long."""

    kind: Literal["bad_quality"]


class CounterStoppedCondition(Part):
    """A counter that does not move any more."""

    kind: Literal["counter_stopped"]
    after_s: Span


class ExpressionCondition(Part):
    """An expression over one or several series in the historian's language; true raises."""

    kind: Literal["expression"]
    expression: str = Field(min_length=1, max_length=4000)
    inputs: dict[str, str] = Field(
        default_factory=dict[str, str],
        max_length=50,
        description="Series by the name they have in the expression; `./` is beside the target",
    )


Condition: TypeAlias = Annotated[
    LimitCondition
    | DeviationCondition
    | RateCondition
    | DiscreteCondition
    | StaleCondition
    | BadQualityCondition
    | CounterStoppedCondition
    | ExpressionCondition,
    Field(discriminator="kind"),
]


def templates_of(condition: Any) -> list[tuple[str, Texts]]:
    """The messages inside a condition, by where they stand."""
    if not isinstance(condition, Levels):
        return []
    return [(f"condition.{name}.message", level.message) for name, level in condition.levels() if level.message]
