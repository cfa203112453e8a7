"""What a simulated device and its signals may say."""

from enum import StrEnum

from pydantic import Field, ValidationInfo, field_validator

from connectors.tables import ConnectorConfig, Duration, PointConfig


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


class SimulatedConfig(ConnectorConfig, frozen=True):
    """A device that exists only in this process; the same seed and time give the same values."""

    seed: int = Field(0, ge=0, le=2**63 - 1, description="shifts the phase of every signal; same seed, same values")
    delivery: Delivery = Field(
        Delivery.POLLED, description="polled: the scan asks; subscribed: the device reports every `publishing`"
    )
    publishing: Duration = Field(1.0, ge=0.001, le=3600, description="period of the reports of a subscribed device")
    outage_for: Duration = Field(5.0, ge=0.001, le=3600, description="how long an outage lasts")
    outage_every: Duration | None = Field(
        None, ge=0.001, le=86_400, description="the device cannot be reached once in this time; never, if left out"
    )

    @field_validator("outage_every")
    @classmethod
    def _leaves_time(cls, value: float | None, info: ValidationInfo) -> float | None:
        lasts = info.data.get("outage_for")
        if value is not None and lasts is not None and value <= lasts:
            raise ValueError(f"{value:g} s leave no time to be reached; allowed: more than outage_for = {lasts:g} s")
        return value


class SimulatedPoint(PointConfig, frozen=True):
    """One signal."""

    signal: Signal = Field(
        description="sine; ramp (up, then back at once); step (rises in `steps`); dropout (a sine whose sensor fails)"
    )
    period: Duration = Field(60.0, ge=0.001, le=86_400, description="time after which the signal repeats")
    minimum: float = Field(0.0, description="lowest value")
    maximum: float = Field(100.0, validate_default=True, description="highest value")
    steps: int = Field(4, ge=2, le=1000, description="levels of a step signal")
    missing: float = Field(0.1, gt=0, lt=1, description="share of the period in which a dropout's sensor fails")
    form: Form = Field(
        Form.FLOAT, description="float; integer (rounded); boolean (upper half); text (the number with three decimals)"
    )

    @field_validator("maximum")
    @classmethod
    def _rises(cls, value: float, info: ValidationInfo) -> float:
        minimum = info.data.get("minimum")
        if minimum is not None and not minimum < value:
            raise ValueError(f"{value:g} is not above the minimum; allowed: more than {minimum:g}")
        return value
