"""What a Modbus device table and its tags may say; every problem names the value and what is allowed."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from connectors.contract import ConnectorConfig, Duration, PointConfig
from connectors.modbus.decode import LAYOUTS, ORDERS, TEXT_ORDERS, Encoding, WordField, WordType
from connectors.modbus.read_plan import Area, Limits, Span

MAX_ADDRESS = 0xFFFF
DEFAULT_PORT = 502
_URL = re.compile(r"(tcp|rtu\+tcp)://([^\s/:@?#\[\]]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?/?")
_ADDRESS = re.compile(r"(coil|discrete|input|holding):(\d{1,5})(?:\.(\d{1,2}))?")
_AREAS = ", ".join(f"{area}:" for area in Area)


class Framing(StrEnum):
    """How a request is wrapped on its way."""

    TCP = "tcp"
    RTU = "rtu"


def _known_url(text: str) -> str:
    found = _URL.fullmatch(text)
    if found is None or not 0 < int(found[3] or DEFAULT_PORT) <= MAX_ADDRESS:
        raise ValueError(
            f"{text!r} is not supported; allowed: tcp://host:port or rtu+tcp://host:port "
            f"(port {DEFAULT_PORT} where it is left out)"
        )
    return text


def _known_address(text: str) -> str:
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not an address; allowed: {_AREAS} and the 0-based wire address, "
            "for example holding:100 or holding:100.3 for its bit 3 (40101 in a manual is holding:100)"
        )
    if int(found[2]) > MAX_ADDRESS:
        raise ValueError(f"{text!r} lies outside the area; allowed: 0 to {MAX_ADDRESS}")
    if found[3] is not None and (Area(found[1]).is_bits or int(found[3]) > 15):
        raise ValueError(f"{text!r} has no such bit; allowed: .0 (least significant) to .15 on holding and input")
    return text


class ModbusConfig(ConnectorConfig):
    """One unit (slave) behind a Modbus TCP server or a gateway that speaks RTU over TCP."""

    url: Annotated[str, AfterValidator(_known_url)] = Field(
        description="tcp://host:port, or rtu+tcp://host:port for a serial server that passes RTU frames on"
    )
    unit: int = Field(1, ge=0, le=255, description="unit identifier (slave address) behind the endpoint")
    timeout: Duration = Field(1.0, ge=0.01, le=60, description="time to connect, and time for one whole answer")
    retry_pause: Duration = Field(
        0.1, ge=0, le=10, description="pause before the one retry when the device says busy or acknowledge (06, 05)"
    )
    order: str = Field(
        "ABCD",
        pattern=r"^(ABCD|CDAB|BADC|DCBA)$",
        description="byte order of this device's numbers, for tags that do not say their own",
    )
    max_registers: int = Field(125, ge=1, le=125, description="registers that the device takes in one read")
    max_bits: int = Field(2000, ge=1, le=2000, description="coils or discrete inputs that it takes in one read")
    max_gap: int | None = Field(
        None,
        ge=0,
        le=125,
        description="registers read in vain that cost as much as one more request: 125 for tcp, 16 for rtu+tcp",
    )

    @property
    def framing(self) -> Framing:
        """How requests are wrapped."""
        return Framing.RTU if self.url.startswith("rtu") else Framing.TCP

    @property
    def host(self) -> str:
        """Name or address of the endpoint."""
        return _groups(_URL, self.url)[1].strip("[]").lower()

    @property
    def port(self) -> int:
        """TCP port of the endpoint."""
        return int(_groups(_URL, self.url)[2] or DEFAULT_PORT)

    @property
    def limits(self) -> Limits:
        """What one request may ask for, and what a request costs in registers."""
        default_gap = 16 if self.framing is Framing.RTU else 125
        return Limits(self.max_registers, self.max_bits, default_gap if self.max_gap is None else self.max_gap)


class ModbusPoint(PointConfig):
    """Where a value lies in the unit and how its bytes make a value."""

    address: Annotated[str, AfterValidator(_known_address)] = Field(
        description="coil:, discrete:, input: or holding: and the 0-based wire address; .0 to .15 takes one bit"
    )
    type: WordType | None = Field(
        None, description="how to read the registers; if left out uint16, or bool for a bit", validate_default=True
    )
    length: int | None = Field(None, ge=1, le=125, description="registers that a string takes", validate_default=True)
    encoding: Encoding = Field(Encoding.UTF_8, description="character set of a string")
    order: str | None = Field(None, description="byte order as the device sends it, for example CDAB")

    @field_validator("type")
    @classmethod
    def _fits_address(cls, value: WordType | None, info: ValidationInfo) -> WordType:
        address = str(info.data.get("address", "holding:0"))
        area, _, bit = _groups(_ADDRESS, address)
        is_bit = Area(area).is_bits or bit is not None
        if is_bit and value not in (None, WordType.BOOL):
            raise ValueError(f"{value} cannot be read from {address!r}; allowed: bool")
        if not is_bit and value is WordType.BOOL:
            raise ValueError(f"bool needs the bit in the address; allowed: {address}.0 to {address}.15")
        return value or (WordType.BOOL if is_bit else WordType.UINT16)

    @field_validator("length")
    @classmethod
    def _is_of_a_string(cls, value: int | None, info: ValidationInfo) -> int | None:
        if "type" in info.data and (info.data["type"] is WordType.STRING) != (value is not None):
            raise ValueError("length (in registers, 1 to 125) belongs to type string, and to no other")
        return value

    @field_validator("encoding")
    @classmethod
    def _is_of_a_text(cls, value: Encoding, info: ValidationInfo) -> Encoding:
        if info.data.get("type") is not WordType.STRING:
            raise ValueError("encoding belongs to type string, and to no other")
        return value

    @field_validator("order")
    @classmethod
    def _fits_type(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None or "type" not in info.data:
            return value
        allowed = _orders(str(info.data.get("address", "holding:0")), info.data["type"])
        if value not in allowed:
            raise ValueError(
                f"{value!r} does not fit type {info.data['type']}; allowed: "
                + (", ".join(allowed) or "none, leave it out")
            )
        return value

    @model_validator(mode="after")
    def _ends_in_the_area(self) -> Self:
        if self.span.last > MAX_ADDRESS:
            raise ValueError(f"{self.address!r} as {self.word_type} passes the end of the area at {MAX_ADDRESS}")
        return self

    @property
    def word_type(self) -> WordType:
        """The type as written, or the one that goes without saying."""
        return self.type or WordType.UINT16

    @property
    def span(self) -> Span:
        """What has to be read for it."""
        registers = self.length or LAYOUTS[self.word_type].registers
        return Span(self.area, self.first, 1 if self.area.is_bits else registers)

    def field(self, device_order: str) -> WordField:
        """How its bytes make a value, where the device has this order by default."""
        order = self.order or ("AB" if self.word_type is WordType.STRING else device_order)
        return WordField(self.word_type, order, self.length or 0, self.bit or 0, self.encoding)

    @property
    def area(self) -> Area:
        """The address space that the point lies in."""
        return Area(_groups(_ADDRESS, self.address)[0])

    @property
    def first(self) -> int:
        """Wire address of its first register or bit."""
        return int(_groups(_ADDRESS, self.address)[1])

    @property
    def bit(self) -> int | None:
        """The one bit of a register that is meant, 0 being the least significant."""
        text = _groups(_ADDRESS, self.address)[2]
        return None if text is None else int(text)


def _orders(address: str, type_: WordType) -> tuple[str, ...]:
    if Area(_groups(_ADDRESS, address)[0]).is_bits:
        return ()
    if type_ is WordType.STRING:
        return TEXT_ORDERS
    registers = LAYOUTS[type_].registers
    return ("AB", "BA") if registers == 1 else tuple(ORDERS[registers])


def _groups(pattern: re.Pattern[str], text: str) -> tuple[str, str, str | None]:
    found = pattern.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} was not validated")
    first, second, third = found.groups()
    return first, second, third
