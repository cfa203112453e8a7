"""What checks the tables of a configuration: bounds, units, what belongs together, and a word on each key.

A checked table is handed on as the plain one that it is derived from: see `connectors.tables.plain`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, field_validator, model_validator

from edge_agent.config import (
    DEFAULT_SCAN,
    AgentTable,
    BatchTable,
    Clamp,
    DeviceTable,
    LogForm,
    MqttTable,
    OutboxTable,
    RecorderTable,
    ScanTable,
    TagTable,
    WhenFull,
    percent,
)
from edge_agent.quantities import SECOND_US, parse_duration_us, parse_size_bytes
from schemas.sample import name_problem
from schemas.topics import DEFAULT_ROOT

DurationUs = Annotated[int, BeforeValidator(parse_duration_us)]
SizeBytes = Annotated[int, BeforeValidator(parse_size_bytes)]


def _named(text: str) -> str:
    if problem := name_problem(text):
        raise ValueError(problem)
    return text


def _broker_url(text: str) -> str:
    if re.fullmatch(r"mqtts?://[^/@\s]+", text) is None:
        raise ValueError(
            'should be "mqtt://host:1883" or "mqtts://host:8883"; user and password stand in username, password_file'
        )
    return text


Name = Annotated[str, AfterValidator(_named)]


class _Checked(BaseModel, extra="forbid", frozen=True):
    """A table that knows its keys and no others."""


class CheckedAgent(_Checked, AgentTable, frozen=True):
    """[agent]"""

    id: Name = Field(description="name of this gateway, unique in the plant")
    log: LogForm = Field(LogForm.TEXT, description="text, or json: one object a line")
    pause: DurationUs = Field(
        5 * SECOND_US,
        ge=500_000,
        le=3_600 * SECOND_US,
        description="standing still for so long is a gap of its own",
    )


class CheckedMqtt(_Checked, MqttTable, frozen=True):
    """[mqtt]"""

    url: Annotated[str, AfterValidator(_broker_url)] = Field(description="mqtt://host:1883 or mqtts://host:8883")
    root: str = Field(DEFAULT_ROOT, description="first levels of every topic", pattern=r"^[^+#\s]+[^+#\s/]$")
    username: str | None = None
    password_file: Path | None = Field(None, description="file that holds the password and nothing else")
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    keep_alive: DurationUs = Field(20 * SECOND_US, ge=5 * SECOND_US, le=600 * SECOND_US)
    retry_min: DurationUs = Field(1 * SECOND_US, ge=10_000, le=60 * SECOND_US)
    retry_max: DurationUs = Field(60 * SECOND_US, ge=10_000, le=3_600 * SECOND_US)
    live_window: DurationUs = Field(60 * SECOND_US, ge=SECOND_US, le=3_600 * SECOND_US)
    resend_min: DurationUs = Field(30 * SECOND_US, ge=100_000, le=300 * SECOND_US)
    resend_max: DurationUs = Field(300 * SECOND_US, ge=100_000, le=3_600 * SECOND_US)
    window_batches: int = Field(64, ge=1, le=1_000, description="batches on the way without an acknowledgement")
    window_bytes: SizeBytes = Field(4 << 20, ge=256 << 10, le=256 << 20)
    backlog_rate: SizeBytes = Field(1 << 20, ge=1_000, le=1 << 30, description="bytes a second beside live batches")
    health: DurationUs = Field(30 * SECOND_US, ge=100_000, le=600 * SECOND_US, description="period of health messages")

    @model_validator(mode="after")
    def _key_belongs_to_certificate(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: name both or neither")
        return self


class CheckedOutbox(_Checked, OutboxTable, frozen=True):
    """[outbox]"""

    path: Path = Path("outbox.db")
    max_bytes: SizeBytes = Field(2 << 30, ge=16 << 10, le=1 << 44)
    max_age: DurationUs = Field(30 * 86_400 * SECOND_US, ge=SECOND_US, le=3_650 * 86_400 * SECOND_US)
    when_full: WhenFull = WhenFull.EVICT_OLDEST
    memory: SizeBytes = Field(16 << 20, ge=4 << 10, le=1 << 32, description="held while the disk refuses to write")


class CheckedBatch(_Checked, BatchTable, frozen=True):
    """[batch]"""

    window: DurationUs = Field(100_000, ge=1_000, le=60 * SECOND_US, description="samples of this long share a commit")
    idle: DurationUs = Field(SECOND_US, ge=10_000, le=60 * SECOND_US, description="progress without samples is booked")


class CheckedRecorder(_Checked, RecorderTable, frozen=True):
    """[recorder]"""

    enabled: bool = Field(True, description="false keeps nothing of what is said with the devices")
    path: Path | None = Field(None, description="folder of the recordings; beside the outbox when absent")
    last: DurationUs = Field(600 * SECOND_US, ge=60 * SECOND_US, le=86_400 * SECOND_US, description="what is kept")
    failures: DurationUs = Field(
        7 * 86_400 * SECOND_US, ge=0, le=90 * 86_400 * SECOND_US, description="how long the minutes around a failure"
    )
    max_bytes: SizeBytes = Field(4 << 20, ge=64 << 10, le=1 << 30, description="of each device, on disk")
    memory: SizeBytes = Field(256 << 10, ge=16 << 10, le=16 << 20, description="of each device, packed, until written")
    flush: DurationUs = Field(60 * SECOND_US, ge=SECOND_US, le=600 * SECOND_US, description="how often it is written")


class CheckedScan(_Checked, ScanTable, frozen=True):
    """One scan class of [device.scan]; a bare duration is its period."""

    period: DurationUs = Field(ge=1_000, le=86_400 * SECOND_US)
    phase: DurationUs = Field(0, ge=0, le=86_400 * SECOND_US)

    @model_validator(mode="before")
    @classmethod
    def _bare_period(cls, value: object) -> object:
        return value if isinstance(value, dict) else {"period": value}


class CheckedDevice(_Checked, DeviceTable, frozen=True):
    """The agent's own keys of a [[device]]; the other keys belong to its kind."""

    name: Name
    path: str | None = Field(None, description="site/area/line/asset; the name when absent")
    kind: str
    scan: Mapping[str, CheckedScan] = Field(default_factory=dict[str, CheckedScan], validate_default=True)
    tags_csv: Path | None = None
    profile: str | None = Field(None, description="a template that comes with the agent, or a .toml file of the plant")
    without: list[str] = Field(default_factory=list[str], description="tags of the profile that are not read: patterns")
    instances_csv: Path | None = Field(None, description="a list: each line is a device like this one")
    retry_min: DurationUs = Field(SECOND_US, ge=10_000, le=60 * SECOND_US)
    retry_max: DurationUs = Field(60 * SECOND_US, ge=10_000, le=3_600 * SECOND_US)
    watchdog: DurationUs = Field(
        60 * SECOND_US, ge=100_000, le=3_600 * SECOND_US, description="silence before a restart"
    )

    @field_validator("scan")
    @classmethod
    def _has_default(cls, value: Mapping[str, ScanTable]) -> Mapping[str, ScanTable]:
        return {"default": DEFAULT_SCAN, **value}


def _words(value: object) -> object:
    """One cell of a tag list is as good as a table: `0=off; 1=on`."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(";") if part.strip()]
    return {number.strip(): word.strip() for number, _, word in pairs}


class CheckedTag(_Checked, TagTable, frozen=True):
    """The agent's own keys of a [[device.tag]]; the other keys belong to its kind."""

    name: str
    scan: str = "default"
    scale: float | None = Field(None, allow_inf_nan=False)
    offset: float | None = Field(None, allow_inf_nan=False)
    raw_low: float | None = Field(None, allow_inf_nan=False, description="what the device says at low")
    raw_high: float | None = Field(None, allow_inf_nan=False, description="what the device says at high")
    unit: str | None = Field(None, max_length=64)
    description: str | None = Field(None, max_length=1_000)
    low: float | None = Field(None, allow_inf_nan=False)
    high: float | None = Field(None, allow_inf_nan=False)
    clamp: Clamp = Clamp.NONE
    deadband: float | str | None = Field(None, description='a number in the tag\'s unit, or "0.5%" of high - low')
    max_silence: DurationUs | None = Field(None, ge=1_000, le=86_400 * SECOND_US)
    enum: Annotated[dict[int, str] | None, BeforeValidator(_words)] = Field(
        None, min_length=1, description='words for whole numbers, { 0 = "off" }; in a tag list 0=off;1=on'
    )
    writable: bool = Field(False, description="whether `edge write` may change it; read-only until it says so")
    step: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="a written value lies on low plus a multiple of this"
    )

    @field_validator("deadband")
    @classmethod
    def _number_orpercent(cls, value: float | str | None) -> float | str | None:
        if isinstance(value, str):
            width = percent(value) if value.endswith("%") else float(value)
            if not 0 <= width < float("inf"):
                raise ValueError('should be a number not below 0, or a percentage such as "0.5%"')
            return value if value.endswith("%") else width
        if value is not None and not 0 <= value < float("inf"):
            raise ValueError("should be a number not below 0")
        return value

    @model_validator(mode="after")
    def _range_where_needed(self) -> Self:
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError("low should be below high")
        needs_range = self.clamp is not Clamp.NONE or isinstance(self.deadband, str)
        if needs_range and (self.low is None or self.high is None):
            raise ValueError("clamp and a deadband in percent need both low and high")
        return self

    @model_validator(mode="after")
    def _one_way_to_scale(self) -> Self:
        raw, linear = (self.raw_low, self.raw_high), (self.scale, self.offset)
        if raw != (None, None) and None in (*raw, self.low, self.high):
            raise ValueError("raw_low, raw_high, low and high belong together: name all four")
        if raw != (None, None) and (linear != (None, None) or self.raw_low == self.raw_high):
            raise ValueError("raw_low and raw_high should differ, and stand in place of scale and offset")
        if self.enum is not None and (raw != (None, None) or linear != (None, None) or self.clamp is not Clamp.NONE):
            raise ValueError("enum turns numbers into words: scale, offset, raw_low, raw_high and clamp have no effect")
        return self
