"""What every connector offers and what it may rely on; nothing here knows a protocol or the agent."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

from schemas.sample import Kind, Value

if TYPE_CHECKING:
    from connectors.tables import ConnectorConfig, PointConfig


@dataclass(frozen=True, slots=True)
class ReadResult:
    """Samples by column, all of one length; `points` are positions in the sequence that `create` was given.

    A value is None, and its kind `none`, where its status is Bad. A time is the source's, else the server's, else the
    moment the response arrived. `until_us` states that everything the device measured up to then has been delivered.
    """

    points: Sequence[int]
    kinds: Sequence[Kind]
    values: Sequence[Value]
    statuses: Sequence[int]
    times_us: Sequence[int]
    until_us: int | None


Deliver: TypeAlias = Callable[[ReadResult], Awaitable[None]]
"""Returns when the samples are durable: only then may a notification be acknowledged to the device."""


class Clock(Protocol):
    """The time, handed in so that tests and replays can own it."""

    def now_us(self) -> int:
        """Microseconds since the Unix epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...


@dataclass(frozen=True, slots=True)
class BrowsedPoint:
    """A point that the device itself told us about; `point` holds the keys that a tag table would have."""

    path: tuple[str, ...]
    point: Mapping[str, str | int | float | bool]
    kind: Kind | None = None
    unit: str | None = None
    description: str | None = None
    low: float | None = None
    high: float | None = None
    is_writable: bool = False
    value: Value = None
    """What it was when the device was browsed, where that was asked along with it."""


@dataclass(frozen=True, slots=True)
class Interpretation:
    """What the same raw content would be as one type; `point` holds the keys that a tag table would have."""

    point: Mapping[str, str | int]
    value: Value
    raw: str


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """Something that answered when an address was looked at, and what it said of itself."""

    url: str
    name: str
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LookOptions:
    """How an address is looked at: patience, pause between questions, and which units behind it are asked."""

    timeout_s: float
    pause_s: float
    units: Sequence[int]


@dataclass(frozen=True, slots=True)
class Discovery:
    """How a protocol finds its devices at an address; it asks for identification only, and changes nothing."""

    ports: Sequence[int]
    look: Callable[[str, int, LookOptions], Coroutine[Any, Any, Sequence[FoundDevice]]]


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request or subscription as `edge check` prints it, and how many points it serves."""

    text: str
    points: int


@dataclass(frozen=True, slots=True)
class Load:
    """What the polls of a device cost the line to it, as far as that can be told before asking it anything."""

    line: str
    """Devices that name the same line share it and wait for each other."""
    cycles_s: Sequence[float]
    """Seconds that one poll of each group keeps the line busy."""
    basis: str
    """What these seconds rest on, in words."""
    remedies: Sequence[tuple[str, Sequence[float]]] = ()
    """Settings that would be quicker, with the seconds they would take, the mildest one first."""
    terms: Mapping[str, object] = field(default_factory=dict[str, object])
    """Settings of the line, which all of its devices must give alike."""


class Trouble(StrEnum):
    """Why a question to a device came to nothing."""

    SILENT = "silent"
    """No answer in time."""
    LOST = "lost"
    """The connection could not be made, or ended, or brought something that is no answer."""
    REFUSED = "refused"
    """Something on the way answered in place of the device."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to a device and what came of it, without secrets; the bytes are the protocol's own."""

    asked_us: int
    took_us: int
    question: bytes
    answer: bytes | None
    trouble: Trouble | None = None


class Chapter(StrEnum):
    """A part of a conversation's opening, which is begun anew by itself."""

    SESSION = "session"
    """What was asked once on a connection: names, limits, types."""
    SUBSCRIPTION = "subscription"
    """What was agreed that the device reports; it may outlive a connection, and the agent."""


class Recorder(Protocol):
    """The flight recorder of one device; it costs next to nothing and never fails."""

    def note(self, exchange: Exchange) -> None:
        """Keep what was asked and answered, for a while."""
        ...

    def begin(self, chapter: Chapter) -> None:
        """What is noted of this chapter from now on takes the place of what was noted of it before."""
        ...

    def note_opening(self, exchange: Exchange, chapter: Chapter) -> None:
        """Keep an exchange as long as any of those that follow: without it they cannot be understood."""
        ...


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """Where a recorded device is played on this machine, how fast, and whom to tell its url."""

    port: int
    speed: float
    is_ready: Callable[[str], None]


class Connector(Protocol):
    """One device's session; never used by two tasks at once except where a method says so."""

    @property
    def counters(self) -> Mapping[str, int]:
        """What happened so far: requests, bytes, retries, late answers."""
        ...

    async def open(self) -> None:
        """Connect; raises DeviceUnreachable. May be called again after close."""
        ...

    async def read(self, points: Sequence[int]) -> ReadResult:
        """Read these points once; a refused point is a Bad status in its column, a lost device an exception."""
        ...

    async def subscribe(self, deliver: Deliver) -> None:
        """Deliver what the device reports until cancelled; raises DeviceUnreachable when it falls silent."""
        ...

    async def write(self, point: int, value: Value) -> None:
        """Write one value and see that the device took it; raises PointRejected when it did not."""
        ...

    def browse(self) -> AsyncIterator[BrowsedPoint]:
        """The points that the device knows of; empty where the protocol cannot tell."""
        ...

    async def close(self) -> None:
        """Let go of the device; never raises and is bounded in time."""
        ...


@dataclass(frozen=True, slots=True)
class PointDescription:
    """What the device itself says of a point, in its own units; None where it says nothing."""

    kind: Kind | None = None
    unit: str | None = None
    description: str | None = None
    low: float | None = None
    high: float | None = None


@runtime_checkable
class SelfDescribing(Protocol):
    """A connector whose device can tell what its points are: an ability that not every protocol has."""

    async def describe(self) -> Mapping[int, PointDescription]:
        """What the open device says of each point; may be asked while reads or a subscription go on."""
        ...


@runtime_checkable
class Certified(Protocol):
    """A connector that shows a certificate of ours to its device, or checks the device's by a list of authorities."""

    def certificate_files(self) -> Mapping[str, Path]:
        """The files by use (`client`, `user`, `ca`), as the connection uses them, or the next one would."""
        ...


ConfigT = TypeVar("ConfigT")
PointT = TypeVar("PointT")


def one_tag(point: Any) -> Sequence[tuple[str, Any]]:
    """A point that makes one tag, under the name that the table gives it."""
    return (("", point),)


def keys_of(point: Any) -> Mapping[str, object]:
    """The keys of a point, as it is handed on, that say more than goes without saying."""
    if is_dataclass(point):
        return {
            each.name: getattr(point, each.name) for each in fields(point) if getattr(point, each.name) != each.default
        }
    return point.model_dump(mode="json", exclude_defaults=True)


def _no_queue(config: object) -> int | None:
    return None


def _no_raw(config: object, point: object, kind: Kind, value: Value) -> str | None:
    return None


def _not_estimated(config: object, points: object, groups: object) -> None:
    return None


def _no_advice(config: object) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Tables:
    """What the tables of a device and of a tag are checked by, and what a tag's table stands for."""

    config_model: "type[ConnectorConfig]"
    point_model: "type[PointConfig]"
    expand: Callable[[Any], Sequence[tuple[str, Any]]] = one_tag
    """The tags that one tag table stands for: what follows its name (nothing, or levels), and their points."""


@dataclass(frozen=True, slots=True)
class ConnectorKind(Generic[ConfigT, PointT]):
    """A protocol by name: how its tables are checked, and how to make a connector of what they say.

    ConfigT and PointT are what is handed on of a checked table (`connectors.tables.plain`): a dataclass that the model
    is derived from, or the model itself.
    """

    name: str
    tables: Callable[[], Tables]
    """Imports the models when it is asked: a running agent is handed checked tables and never loads what checks them,
    where the kind hands on dataclasses."""
    is_subscribed: Callable[[ConfigT], bool]
    create: Callable[[ConfigT, Sequence[PointT], Clock], Connector]
    describe_plan: Callable[[ConfigT, Sequence[PointT], Sequence[Sequence[int]]], Sequence[PlannedRequest]]
    """For `edge check`: what is read in how many requests, given the points of each scan class."""
    estimate: Callable[[ConfigT, Sequence[PointT], Sequence[Sequence[int]]], Load | None] = _not_estimated
    """For `edge check`: whether it will fit, given the points of each scan class; None where it cannot be told."""
    advise: Callable[[ConfigT], Sequence[str]] = _no_advice
    """For `edge check`: what works but had better be written otherwise, a sentence each."""
    queue: Callable[[ConfigT], int | None] = _no_queue
    """How many values of a point a device that reports by itself is asked to hold for us; None where it holds none."""
    url_schemes: Sequence[str] = ()
    """What a url of this protocol starts with, for commands that are given a url and no kind."""
    raw: Callable[[ConfigT, PointT, Kind, Value], str | None] = _no_raw
    """The content on the wire that makes this value, as `edge read` shows it."""
    probe: Callable[[ConfigT, str, Clock], Coroutine[Any, Any, Sequence[Interpretation]]] | None = None
    """For `edge probe`: everything that a range of raw content could mean; raises ValueError for a range unknown."""
    discovery: Discovery | None = None
    """For `edge scan`."""
    record: Callable[[Any, Recorder], None] | None = None
    """Hands a connector of this kind the recorder of its device; a connector without one records nothing."""
    replay: Callable[[Sequence[Exchange], ReplayOptions], Coroutine[Any, Any, None]] | None = None
    """For `edge record replay`: a device on loopback that answers as was recorded, until cancelled."""

    @property
    def config_model(self) -> "type[ConnectorConfig]":
        """What a device's table is checked by."""
        return self.tables().config_model

    @property
    def point_model(self) -> "type[PointConfig]":
        """What a tag's table is checked by, with the device's checked table as context."""
        return self.tables().point_model

    @property
    def expand(self) -> Callable[[Any], Sequence[tuple[str, Any]]]:
        """The tags that one checked tag table stands for."""
        return self.tables().expand


AnyKind: TypeAlias = ConnectorKind[Any, Any]
"""A kind found by name at run time: its models check what its functions are given."""
