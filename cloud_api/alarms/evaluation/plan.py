"""Plan: one definition at one place, resolved to numbers; what the engine reads (pure)."""

from enum import StrEnum

import msgspec

SECOND_US = 1_000_000


class Kind(StrEnum):
    """What a condition looks at."""

    LIMIT = "limit"
    DEVIATION = "deviation"
    RATE = "rate"
    DISCRETE = "discrete"
    STALE = "stale"
    BAD_QUALITY = "bad_quality"
    COUNTER_STOPPED = "counter_stopped"
    EXPRESSION = "expression"


class Owner(StrEnum):
    """Who evaluates a plan: ingest in the samples' own transaction, or the alarm leader by its cursor."""

    INGEST = "ingest"
    LEADER = "leader"


# Timers on silence, and everything that has several inputs, is the leader's.
OWNERS = {
    Kind.LIMIT: Owner.INGEST,
    Kind.RATE: Owner.INGEST,
    Kind.DISCRETE: Owner.INGEST,
    Kind.BAD_QUALITY: Owner.INGEST,
    Kind.DEVIATION: Owner.LEADER,
    Kind.STALE: Owner.LEADER,
    Kind.COUNTER_STOPPED: Owner.LEADER,
    Kind.EXPRESSION: Owner.LEADER,
}
# Kinds whose condition is the absence of something: a running clock that samples set back.
WATCHDOGS = frozenset({Kind.STALE, Kind.COUNTER_STOPPED})


class LevelPlan(msgspec.Struct, frozen=True, omit_defaults=True):
    """One level: its condition holds beyond `limit` and until `deadband` back inside; delays in microseconds."""

    name: str | None = None
    is_high: bool = True
    limit: float = 0.5
    deadband: float = 0.0
    on_delay_us: int = 0
    off_delay_us: int = 0
    priority: str = "medium"
    message_en: str = ""
    message_zh: str = ""


class RulesPlan(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the definition says of the alarm as such."""

    alarm_class: str | None = None
    position: str | None = None
    is_latching: bool = False
    is_auto_acknowledged: bool = False
    max_shelved_s: int = 28_800


class SuppressionPlan(msgspec.Struct, frozen=True, omit_defaults=True):
    """When this alarm is suppressed by design: an expression over series, or a group that has found its cause."""

    when: str | None = None
    # What variables of the expression stand for, and the series of all names.
    names: dict[str, str] = {}
    inputs: dict[str, int] = {}
    group: str | None = None
    is_cause: bool = False


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """A definition at one place. Levels stand from the outermost inwards, the high side first."""

    definition_id: str
    version: int
    instance: str
    name: str
    kind: Kind
    levels: tuple[LevelPlan, ...]
    series_id: int | None = None
    # Series by the name they have in the expression; a deviation has "value" and "setpoint".
    inputs: dict[str, int] = {}
    expression: str | None = None
    names: dict[str, str] = {}
    after_us: int = 0
    over_us: int = 1
    per_us: int = SECOND_US
    states: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    unit: str | None = None
    words: dict[str, str] = {}
    rules: RulesPlan = RulesPlan()
    suppression: SuppressionPlan = SuppressionPlan()
    # Its series is made of others and does not come by ingest.
    is_calculated: bool = False

    @property
    def owner(self) -> Owner:
        """Who evaluates it."""
        return Owner.LEADER if self.is_calculated else OWNERS[self.kind]

    @property
    def series_ids(self) -> tuple[int, ...]:
        """All series that it reads for its condition."""
        return tuple(sorted({*self.inputs.values(), *(() if self.series_id is None else (self.series_id,))}))
