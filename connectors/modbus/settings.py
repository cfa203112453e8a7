"""What a Modbus device is known by, once its table was checked."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from connectors.modbus.cost import Cost, cost_of
from connectors.modbus.link import Framing, Link, Quirks, Security, SerialLine, Target, Transport, parse_url
from connectors.modbus.read_plan import Limits

ASSUMED_LATENCY_S = 0.01

LINE_KEYS = (
    "data_bits", "parity", "stop_bits", "local_echo", "ca_file", "cert_file", "key_file", "check_name", "connect_pause",
    "request_pause", "outstanding", "accept_any_unit", "accept_any_transaction",
)  # fmt: skip
"""Keys that belong to the line, not to a unit: all devices of a url give them alike."""


@dataclass(frozen=True)
class ModbusSettings:
    """One unit (slave) behind a Modbus server, a gateway or a serial port; times in seconds.

    `config.ModbusConfig` says what each key means and what it may be.
    """

    url: str
    unit: int = 1
    timeout: float = 1.0
    retry_pause: float = 0.1
    retries: int = 1
    order: str = "ABCD"
    registers_from: Literal[0, 1] = 0
    bits_from: Literal[0, 1] = 0
    max_registers: int = 125
    max_bits: int = 2000
    max_gap: int | None = None
    latency: float | None = None
    baud: int | None = None
    data_bits: Literal[7, 8] | None = None
    parity: Literal["none", "even", "odd"] | None = None
    stop_bits: Literal[1, 2] | None = None
    local_echo: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    check_name: bool = True
    connect_pause: float = 0.0
    request_pause: float = 0.0
    close_after_cycle: bool = False
    outstanding: int = 1
    accept_any_unit: bool = False
    accept_any_transaction: bool = False

    def but(self, **keys: Any) -> "ModbusSettings":
        """The same device with some keys otherwise."""
        return ModbusSettings(**{**{each.name: getattr(self, each.name) for each in fields(ModbusSettings)}, **keys})

    @property
    def target(self) -> Target:
        """Where the url points."""
        return parse_url(self.url)

    @property
    def framing(self) -> Framing:
        """How requests are wrapped."""
        return self.target.framing

    @property
    def host(self) -> str:
        """Name or address of the endpoint, or its serial port."""
        return self.target.host

    @property
    def port(self) -> int:
        """Port of the endpoint; 0 for a serial port."""
        return self.target.port

    @property
    def link(self) -> Link:
        """What all devices of this url must agree on."""
        target = self.target
        return Link(
            target,
            self._serial_line() if target.transport is Transport.SERIAL else None,
            Security(self.ca_file, self.cert_file, self.key_file, self.check_name)
            if target.transport is Transport.TLS
            else None,
            Quirks(
                self.connect_pause,
                self.request_pause,
                self.outstanding,
                self.accept_any_unit,
                self.accept_any_transaction,
            ),
        )

    @property
    def terms(self) -> dict[str, object]:
        """The settings of the line, by their keys."""
        is_serial = self.target.transport is Transport.SERIAL
        keys = ("baud", *LINE_KEYS) if is_serial else LINE_KEYS
        scheme = self.url.partition("://")[0]
        return {"url": f"{scheme}://{self.target}", **{key: getattr(self, key) for key in keys}}

    @property
    def cost(self) -> Cost:
        """What a request costs, as far as it can be known before the first one."""
        return cost_of(self.link, self.baud, ASSUMED_LATENCY_S if self.latency is None else self.latency)

    @property
    def limits(self) -> Limits:
        """What one request may ask for, and what a request costs in registers before it was measured."""
        return Limits(self.max_registers, self.max_bits, self.cost.gap if self.max_gap is None else self.max_gap)

    def _serial_line(self) -> SerialLine:
        parity = self.parity or "even"
        usual = 8 if self.framing is Framing.RTU else 7
        stop_bits = self.stop_bits or (2 if parity == "none" else 1)
        return SerialLine(self.baud or 19200, self.data_bits or usual, parity, stop_bits, self.local_echo)
