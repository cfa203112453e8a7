"""What lies between us and a unit: transport, framing, host or port, and how long its bytes take (pure)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

DEFAULT_PORT = 502
SECURE_PORT = 802
_MAX_PORT = 0xFFFF
_NETWORK_URL = re.compile(
    r"(tcp|tls|udp|rtu\+tcp|ascii\+tcp|rtu\+udp)://([^\s/:@?#\[\]]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?/?"
)
_SERIAL_URL = re.compile(r"(rtu|ascii)://(/dev/[^\s?#]+|COM\d{1,3})", re.IGNORECASE)
_UNSTABLE_PORT = re.compile(r"/dev/tty(?:USB|ACM)\d+")
RTU_BITS_A_CHARACTER = 11
ASCII_BITS_A_CHARACTER = 10


class Framing(StrEnum):
    """How a request is wrapped on its way."""

    TCP = "tcp"
    RTU = "rtu"
    ASCII = "ascii"


class Transport(StrEnum):
    """What carries the frames."""

    TCP = "tcp"
    TLS = "tls"
    UDP = "udp"
    SERIAL = "serial"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a url points; for a serial port `host` is its device file and `port` 0."""

    transport: Transport
    framing: Framing
    host: str
    port: int

    def __str__(self) -> str:
        return self.host if self.transport is Transport.SERIAL else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SerialLine:
    """How a serial line is set: 19200 baud 8E1 is what the Modbus specification asks of a device."""

    baud: int = 19200
    data_bits: int = 8
    parity: str = "even"
    stop_bits: int = 1
    has_echo: bool = False

    def __str__(self) -> str:
        return f"{self.baud} baud {self.data_bits}{self.parity[0].upper()}{self.stop_bits}"


@dataclass(frozen=True, slots=True)
class Security:
    """Whom to trust and what to show on a TLS connection."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    checks_name: bool = True


@dataclass(frozen=True, slots=True)
class Quirks:
    """What the other end of a line cannot bear, or gets wrong."""

    connect_pause_s: float = 0.0
    request_pause_s: float = 0.0
    outstanding: int = 1
    accepts_any_unit: bool = False
    accepts_any_transaction: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """All that the devices of one line must agree on."""

    target: Target
    serial: SerialLine | None = None
    security: Security | None = None
    quirks: Quirks = Quirks()

    @property
    def silence_s(self) -> float:
        """The pause that ends a frame on a serial line: 3.5 characters, and 1.75 ms above 19200 baud."""
        if self.serial is None or self.target.framing is not Framing.RTU:
            return 0.0
        return 0.00175 if self.serial.baud > 19200 else 3.5 * RTU_BITS_A_CHARACTER / self.serial.baud


def parse_url(text: str) -> Target:
    """Read a url; raises ValueError, saying what is allowed."""
    if found := _SERIAL_URL.fullmatch(text):
        return Target(Transport.SERIAL, Framing(found[1].lower()), found[2], 0)
    found = _NETWORK_URL.fullmatch(text)
    scheme = found[1] if found else ""
    port = int(found[3] or (SECURE_PORT if scheme == "tls" else DEFAULT_PORT)) if found else 0
    if found is None or not 0 < port <= _MAX_PORT:
        raise ValueError(
            f"{text!r} is not supported; allowed: tcp://host:port or rtu+tcp://host:port "
            f"(port {DEFAULT_PORT} where it is left out), also udp, tls (port {SECURE_PORT}), ascii+tcp and rtu+udp; "
            "rtu:///dev/serial/by-id/… or ascii:///dev/… for a serial port"
        )
    framing, _, carrier = scheme.rpartition("+")
    return Target(Transport(carrier), Framing(framing or "tcp"), found[2].strip("[]").lower(), port)


def advice_of(target: Target) -> tuple[str, ...]:
    """What had better be written otherwise."""
    if target.transport is not Transport.SERIAL or not _UNSTABLE_PORT.fullmatch(target.host):
        return ()
    advice = (
        f"{target.host} is numbered in the order of plugging in, and may be another adapter after a restart: "
        "name the port by its lasting name, see ls -l /dev/serial/by-id/"
    )
    return (advice,)
