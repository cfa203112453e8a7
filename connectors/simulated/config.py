"""What a simulated device and its signals may say."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from connectors.contract import ConnectorConfig, Duration, PointConfig


class Delivery(StrEnum):
    """Who decides when a sample is taken."""

    POLLED = "polled"
    SUBSCRIBED = "subscribed"


class Signal(StrEnum):
    """The shape of a signal over its period."""

    SINE = "sine"
    RAMP = "ramp"
    STEP = "step"
    DROPOUT = "dropout"


class Form(StrEnum):
    """The kind of value that the signal is given as."""

    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"


class SimulatedConfig(ConnectorConfig):
    """A device that exists only in this process; the same seed and time give the same values."""

    seed: int = Field(0, ge=0, le=2**63 - 1, description="shifts the phase of every signal; same seed, same values")
    delivery: Delivery = Field(
        Delivery.POLLED, description="polled: the scan asks; subscribed: the device reports every `publishing`"
    )
    publishing: Duration = Field(1.0, ge=0.001, le=3600, description="period of the reports of a subscribed device")
    outage_every: Duration | None = Field(
        None, ge=0.001, le=86_400, description="the device cannot be reached once in this time; never, if left out"
    )
    outage_for: Duration = Field(5.0, ge=0.001, le=3600, description="how long it then cannot be reached")

    @model_validator(mode="after")
    def _is_reachable_at_times(self) -> Self:
        if self.outage_every is not None and self.outage_for >= self.outage_every:
            raise ValueError(
                f"outage_for = {self.outage_for:g} s leaves no time to be reached; "
                f"allowed: less than outage_every = {self.outage_every:g} s"
            )
        return self


class SimulatedPoint(PointConfig):
    """One signal."""

    signal: Signal = Field(
        description="sine; ramp (up, then back at once); step (rises in `steps`); dropout (a sine whose sensor fails)"
    )
    period: Duration = Field(60.0, ge=0.001, le=86_400, description="time after which the signal repeats")
    minimum: float = Field(0.0, description="lowest value")
    maximum: float = Field(100.0, description="highest value")
    steps: int = Field(4, ge=2, le=1000, description="levels of a step signal")
    missing: float = Field(0.1, gt=0, lt=1, description="share of the period in which a dropout's sensor fails")
    form: Form = Field(
        Form.FLOAT, description="float; integer (rounded); boolean (upper half); text (the number with three decimals)"
    )

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.minimum < self.maximum:
            raise ValueError(f"minimum = {self.minimum:g} must be below maximum = {self.maximum:g}")
        return self
