"""What the agent is told to do: the tables of its TOML files as they are handed on, once they were checked.

These are plain: what checks them stands in `tables`, which a running agent does not load.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from connectors.contract import AnyKind
from edge_agent.quantities import SECOND_US
from schemas.topics import DEFAULT_ROOT

DEVICES_FOLDER = "devices.d"


class WhenFull(StrEnum):
    """What gives way when the outbox has reached its cap."""

    EVICT_OLDEST = "evict_oldest"
    REFUSE_NEWEST = "refuse_newest"


class Clamp(StrEnum):
    """What becomes of a value outside low and high."""

    NONE = "none"
    LIMIT = "limit"
    BAD = "bad"


class LogForm(StrEnum):
    """How the agent writes its log on standard error."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True)
class AgentTable:
    """[agent]"""

    id: str
    log: LogForm = LogForm.TEXT
    pause: int = 5 * SECOND_US


@dataclass(frozen=True)
class MqttTable:
    """[mqtt]"""

    url: str
    root: str = DEFAULT_ROOT
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    keep_alive: int = 20 * SECOND_US
    retry_min: int = SECOND_US
    retry_max: int = 60 * SECOND_US
    live_window: int = 60 * SECOND_US
    resend_min: int = 30 * SECOND_US
    resend_max: int = 300 * SECOND_US
    window_batches: int = 64
    window_bytes: int = 4 << 20
    backlog_rate: int = 1 << 20
    health: int = 30 * SECOND_US


@dataclass(frozen=True)
class OutboxTable:
    """[outbox]"""

    path: Path = Path("outbox.db")
    max_bytes: int = 2 << 30
    max_age: int = 30 * 86_400 * SECOND_US
    when_full: WhenFull = WhenFull.EVICT_OLDEST
    memory: int = 16 << 20


@dataclass(frozen=True)
class BatchTable:
    """[batch]"""

    window: int = 100_000
    idle: int = SECOND_US


@dataclass(frozen=True)
class RecorderTable:
    """[recorder]"""

    enabled: bool = True
    path: Path | None = None
    last: int = 600 * SECOND_US
    failures: int = 7 * 86_400 * SECOND_US
    max_bytes: int = 4 << 20
    memory: int = 256 << 10
    flush: int = 60 * SECOND_US


@dataclass(frozen=True)
class ScanTable:
    """One scan class of [device.scan]: microseconds."""

    period: int
    phase: int = 0


DEFAULT_SCAN = ScanTable(SECOND_US)


@dataclass(frozen=True)
class DeviceTable:
    """The agent's own keys of a [[device]]; the other keys belong to its kind."""

    name: str
    kind: str
    path: str | None = None
    scan: Mapping[str, ScanTable] = field(default_factory=lambda: {"default": DEFAULT_SCAN})
    tags_csv: Path | None = None
    profile: str | None = None
    without: list[str] = field(default_factory=list[str])
    instances_csv: Path | None = None
    retry_min: int = SECOND_US
    retry_max: int = 60 * SECOND_US
    watchdog: int = 60 * SECOND_US


@dataclass(frozen=True)
class TagTable:
    """The agent's own keys of a [[device.tag]]; the other keys belong to its kind."""

    name: str
    scan: str = "default"
    scale: float | None = None
    offset: float | None = None
    raw_low: float | None = None
    raw_high: float | None = None
    unit: str | None = None
    description: str | None = None
    low: float | None = None
    high: float | None = None
    clamp: Clamp = Clamp.NONE
    deadband: float | str | None = None
    max_silence: int | None = None
    enum: dict[int, str] | None = None
    writable: bool = False
    step: float | None = None

    @property
    def deadband_width(self) -> float | None:
        """The deadband in engineering units; None reports every sample."""
        if isinstance(self.deadband, str):
            return percent(self.deadband) / 100 * ((self.high or 0.0) - (self.low or 0.0))
        return self.deadband


def percent(text: str) -> float:
    """The number before the sign."""
    return float(text.removesuffix("%"))


@dataclass(frozen=True, slots=True)
class TagConfig:
    """One tag, checked: its full path, its own keys and its point, in the form that its kind hands on.

    The keys are without the name, which the path has: tags that say the same share one table.
    """

    path: str
    table: TagTable
    point: Any


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """One device, checked, with its kind; equal configurations need no restart."""

    table: DeviceTable
    kind: AnyKind
    connector: Any
    tags: tuple[TagConfig, ...]

    @property
    def name(self) -> str:
        """The device's id on the wire."""
        return self.table.name

    @property
    def is_subscribed(self) -> bool:
        """Whether the device reports by itself."""
        return self.kind.is_subscribed(self.connector)

    @property
    def queue(self) -> int | None:
        """How many values of a point the device holds for us, where it reports by itself."""
        return self.kind.queue(self.connector)

    def groups(self) -> Mapping[str, tuple[int, ...]]:
        """The points of each scan class that has any, by position."""
        found: dict[str, list[int]] = {}
        for position, tag in enumerate(self.tags):
            found.setdefault(tag.table.scan, []).append(position)
        return {name: tuple(points) for name, points in found.items()}


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """Everything of one set of files, and a revision that changes with their content."""

    agent: AgentTable
    mqtt: MqttTable
    outbox: OutboxTable
    batch: BatchTable
    recorder: RecorderTable
    devices: tuple[DeviceConfig, ...]
    revision: str
    files: tuple[Path, ...]
    password: str | None = None
    digest: str = ""
    """SHA-256 of all files with their names; the revision is how it begins."""
    written_us: int | None = None
    """When the file that was changed last was written."""
    software: str = "0"
    """The version of the software that read it: that of the agent, unless it was exchanged under a running one."""


def watched_files(path: Path) -> tuple[Path, ...]:
    """The files whose change asks for a reload, besides the tag lists they name."""
    folder = path.parent / DEVICES_FOLDER
    return (path, *sorted(folder.glob("*.toml")))
