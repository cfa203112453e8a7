"""What an agent says of itself: online or offline (also its will), and its health every 30 seconds."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec

from schemas.errors import MessageInvalid

_Message = TypeVar("_Message")
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class AgentState(StrEnum):
    """Whether the agent's session with the broker lives."""

    ONLINE = "online"
    OFFLINE = "offline"


class DeviceState(StrEnum):
    """What a device's supervisor is doing."""

    CONNECTING = "connecting"
    RUNNING = "running"
    UNREACHABLE = "unreachable"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ConfigSummary:
    """The configuration in force, without its content: no address, no secret."""

    digest: str
    """SHA-256 of the names and contents of all files, as hexadecimal digits; `config_revision` is how it begins."""
    files: int = 0
    devices: int = 0
    tags: int = 0
    kinds: dict[str, int] = field(default_factory=dict[str, int])
    """How many devices are of each kind."""
    written_at: Instant | None = None
    """When the file that was changed last was written, by the clock of its disk."""


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """Retained on `<root>/<agent>/status`; an `offline` of an older boot id is ignored."""

    state: AgentState
    boot_id: str
    version: str
    boot_at: Instant
    config_revision: str | None = None
    config: ConfigSummary | None = None


@dataclass(frozen=True, slots=True)
class DeviceHealth:
    """One device inside a health message."""

    name: str
    state: DeviceState
    since_at: Instant | None = None
    last_sample_at: Instant | None = None
    error: str | None = None
    configured_tags: int = 0
    delivering_tags: int = 0
    overruns: int = 0
    jitter_ms: float = 0.0
    """The longest that a scan began after its time since the last health message."""


@dataclass(frozen=True, slots=True)
class CertificateHealth:
    """One certificate that the agent shows, or a list of authorities that it trusts."""

    use: str
    """`mqtt_client`, `mqtt_ca`, `opcua_client`, `opcua_user`, `modbus_client`, `modbus_ca`; others may follow."""
    not_after: Instant | None = None
    """Its end: of a chain the first one, of a list of authorities the last; absent where the file cannot be read."""
    devices: tuple[str, ...] = ()
    """For whom it is used; none for the broker."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class HealthMessage:
    """Published on `<root>/<agent>/health`."""

    boot_id: str
    sent_at: Instant
    backlog_batches: int
    backlog_bytes: int
    oldest_at: Instant | None = None
    configured_tags: int = 0
    delivering_tags: int = 0
    overruns: int = 0
    cpu_percent: float = 0.0
    rss_bytes: int = 0
    devices: tuple[DeviceHealth, ...] = ()
    certificates: tuple[CertificateHealth, ...] = ()


def encode_status(message: StatusMessage) -> bytes:
    """Return the JSON form."""
    return msgspec.json.encode(message)


def decode_status(payload: bytes) -> StatusMessage:
    """Read the JSON form; unknown keys are ignored, MessageInvalid says what is wrong."""
    return _decode(payload, StatusMessage)


def encode_health(message: HealthMessage) -> bytes:
    """Return the JSON form."""
    return msgspec.json.encode(message)


def decode_health(payload: bytes) -> HealthMessage:
    """Read the JSON form; unknown keys are ignored, MessageInvalid says what is wrong."""
    return _decode(payload, HealthMessage)


def _decode(payload: bytes, kind: type[_Message]) -> _Message:
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise MessageInvalid(f"{kind.__name__}: {error}") from error
