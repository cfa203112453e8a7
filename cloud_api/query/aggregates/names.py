"""Aggregates by their OPC UA Part 13 names, and what may be configured about them (pure)."""

from dataclasses import dataclass
from enum import StrEnum


class Aggregate(StrEnum):
    """Aggregates by their OPC UA Part 13 names; `increase` and `rate` are ours, for counters."""

    AVERAGE = "average"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    COUNT = "count"
    INTERPOLATIVE = "interpolative"
    TIME_AVERAGE = "time_average"
    TIME_AVERAGE2 = "time_average2"
    TOTAL = "total"
    TOTAL2 = "total2"
    MINIMUM_ACTUAL_TIME = "minimum_actual_time"
    MAXIMUM_ACTUAL_TIME = "maximum_actual_time"
    RANGE = "range"
    MINIMUM2 = "minimum2"
    MAXIMUM2 = "maximum2"
    MINIMUM_ACTUAL_TIME2 = "minimum_actual_time2"
    MAXIMUM_ACTUAL_TIME2 = "maximum_actual_time2"
    RANGE2 = "range2"
    START = "start"
    END = "end"
    DELTA = "delta"
    START_BOUND = "start_bound"
    END_BOUND = "end_bound"
    DELTA_BOUNDS = "delta_bounds"
    DURATION_GOOD = "duration_good"
    DURATION_BAD = "duration_bad"
    PERCENT_GOOD = "percent_good"
    PERCENT_BAD = "percent_bad"
    WORST_QUALITY = "worst_quality"
    WORST_QUALITY2 = "worst_quality2"
    STANDARD_DEVIATION_SAMPLE = "standard_deviation_sample"
    STANDARD_DEVIATION_POPULATION = "standard_deviation_population"
    VARIANCE_SAMPLE = "variance_sample"
    VARIANCE_POPULATION = "variance_population"
    DURATION_IN_STATE_ZERO = "duration_in_state_zero"
    DURATION_IN_STATE_NON_ZERO = "duration_in_state_non_zero"
    NUMBER_OF_TRANSITIONS = "number_of_transitions"
    INCREASE = "increase"
    RATE = "rate"


# What the database computes where the samples lie, with every digit of a 64-bit integer.
IN_DATABASE = (Aggregate.AVERAGE, Aggregate.MINIMUM, Aggregate.MAXIMUM, Aggregate.COUNT)
# What asks for statuses and whole values alone: text kinds have these too.
FOR_ANY_KIND = frozenset(
    {
        Aggregate.COUNT,
        Aggregate.START,
        Aggregate.END,
        Aggregate.DURATION_GOOD,
        Aggregate.DURATION_BAD,
        Aggregate.PERCENT_GOOD,
        Aggregate.PERCENT_BAD,
        Aggregate.WORST_QUALITY,
        Aggregate.WORST_QUALITY2,
    }
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """AggregateConfiguration of Part 13, 4.2.1.2, `stepped` of the variable, and where a counter starts again."""

    treat_uncertain_as_bad: bool = True
    percent_data_good: int = 100
    percent_data_bad: int = 100
    stepped: bool = False
    sloped_extrapolation: bool = False
    counter_rollover: float | None = None

    @property
    def is_consistent(self) -> bool:
        """Whether PercentDataGood >= 100 - PercentDataBad; else Part 13 answers Bad_AggregateInvalidInputs."""
        return self.percent_data_good >= 100 - self.percent_data_bad
