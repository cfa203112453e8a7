"""What a Modbus device table may say; every problem names the value and what is allowed."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from connectors.modbus.link import Framing, Transport, parse_url
from connectors.modbus.settings import ModbusSettings
from connectors.tables import ConnectorConfig, Duration


def _known_url(text: str) -> str:
    parse_url(text)
    return text


class ModbusConfig(ConnectorConfig, ModbusSettings, frozen=True):
    """One unit (slave) behind a Modbus server, a gateway or a serial port."""

    url: Annotated[str, AfterValidator(_known_url)] = Field(
        description="tcp://host:port, tls://, udp://; rtu+tcp://, ascii+tcp:// or rtu+udp:// for a serial server that "
        "passes frames on; rtu:///dev/… or ascii:///dev/… for a serial port"
    )
    unit: int = Field(1, ge=0, le=255, description="unit identifier (slave address) behind the endpoint")
    timeout: Duration = Field(1.0, ge=0.01, le=60, description="time to connect, and time for one whole answer")
    retry_pause: Duration = Field(
        0.1, ge=0, le=10, description="pause before each retry when the device says busy or acknowledge (06, 05)"
    )
    retries: int = Field(1, ge=0, le=10, description="retries of a request that the device was too busy for (06, 05)")
    order: str = Field(
        "ABCD",
        pattern=r"^(ABCD|CDAB|BADC|DCBA)$",
        description="byte order of this device's numbers, for tags that do not say their own",
    )
    registers_from: Literal[0, 1] = Field(0, description="the manual's number of the first register, in holding:…")
    bits_from: Literal[0, 1] = Field(0, description="the manual's number of the first coil, in coil:…")
    max_registers: int = Field(125, ge=1, le=125, description="registers that the device takes in one read")
    max_bits: int = Field(2000, ge=1, le=2000, description="coils or discrete inputs that it takes in one read")
    max_gap: int | None = Field(
        None,
        ge=0,
        le=125,
        description="registers read in vain that cost as much as one more request; weighed by the measured latency if "
        "left out",
    )
    latency: Duration | None = Field(
        None, ge=0, le=10, description="what an answer takes before it was measured: for plans and edge check"
    )
    baud: int | None = Field(None, ge=300, le=4_000_000, description="speed of the serial line, also behind a gateway")
    data_bits: Literal[7, 8] | None = Field(None, description="of a serial port: 8 for rtu, 7 for ascii if left out")
    parity: Literal["none", "even", "odd"] | None = Field(None, description="of a serial port: even if left out")
    stop_bits: Literal[1, 2] | None = Field(None, description="of a serial port; 2 without parity, 1 with it")
    local_echo: bool = Field(False, description="the adapter hears what it sends")
    ca_file: Path | None = Field(None, description="tls: who signs the device's certificate; the system's if left out")
    cert_file: Path | None = Field(None, description="tls: our certificate, with the role that the device looks for")
    key_file: Path | None = Field(None, description="tls: the key of cert_file")
    check_name: bool = Field(True, description="tls: false for a certificate that does not name the url's host")
    connect_pause: Duration = Field(0.0, ge=0, le=60, description="pause after connecting, before the first request")
    request_pause: Duration = Field(0.0, ge=0, le=10, description="pause between an answer and the next request")
    close_after_cycle: bool = Field(False, description="close the connection after each poll")
    outstanding: int = Field(1, ge=1, le=16, description="requests on the way at once, for devices that allow several")
    accept_any_unit: bool = Field(False, description="take answers that name another unit")
    accept_any_transaction: bool = Field(False, description="take answers that name another transaction")

    @model_validator(mode="after")
    def _fits_the_transport(self) -> Self:
        target = self.target
        self._only(
            target.transport is Transport.SERIAL, ("data_bits", "parity", "stop_bits", "local_echo"), "a serial port"
        )
        self._only(target.transport is Transport.TLS, ("ca_file", "cert_file", "key_file", "check_name"), "tls://")
        self._only(target.framing is Framing.TCP, ("accept_any_transaction",), "tcp://, tls:// and udp://")
        if self.outstanding > 1 and (target.framing is not Framing.TCP or self.accept_any_transaction):
            raise ValueError("outstanding above 1 needs transaction numbers; allowed: tcp://, tls:// and udp://")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: name both or neither")
        return self

    def _only(self, is_so: bool, keys: tuple[str, ...], where: str) -> None:
        strays = [key for key in keys if key in self.model_fields_set]
        if strays and not is_so:
            raise ValueError(f"{', '.join(strays)} cannot stand with {self.url!r}; allowed with {where} only")
