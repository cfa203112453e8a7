"""What a Modbus tag may say: where its value lies, how its bytes make a value, and which tags one line stands for."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from connectors.modbus import address as addresses
from connectors.modbus.address import MAX_ADDRESS, Address
from connectors.modbus.decode import LAYOUTS, ORDERS, TEXT_ORDERS, Encoding, WordType
from connectors.modbus.place import ArrayForm, ModbusPlace
from connectors.modbus.read_plan import Area
from connectors.modbus.settings import ModbusSettings
from connectors.tables import PointConfig
from schemas.sample import path_problem


def _written(value: object) -> object:
    """A reference such as 40101 needs no quotes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _named_bits(value: object) -> object:
    """One cell of a tag list is as good as a table: `0=running; 4-6=mode`."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(";") if part.strip()]
    return {bits.strip(): name.strip() for bits, _, name in pairs}


class ModbusPoint(PointConfig, ModbusPlace, frozen=True):
    """Where a value lies in the unit and how its bytes make a value."""

    address: Annotated[str, BeforeValidator(_written)] = Field(
        description="coil:, discrete:, input: or holding: and the wire address, or 40101 as in manuals; "
        ".0 to .15 takes one bit, .4-6 some bits"
    )
    type: WordType | None = Field(
        None, description="how to read the registers; if left out uint16, or bool for a bit", validate_default=True
    )
    length: int | None = Field(None, ge=1, le=125, description="registers that a string takes", validate_default=True)
    encoding: Encoding = Field(Encoding.UTF_8, description="character set of a string")
    order: str | None = Field(None, description="byte order as the device sends it, for example CDAB")
    count: int | None = Field(None, ge=2, le=2000, description="an array: so many values of the type, side by side")
    array: ArrayForm = Field(ArrayForm.TAGS, description="an array as tags NAME/0, NAME/1, … or as one JSON value")
    bits: Annotated[Mapping[str, str] | None, BeforeValidator(_named_bits)] = Field(
        None, description='one register as several tags: { "0" = "running", "4-6" = "mode" }'
    )

    @field_validator("address")
    @classmethod
    def _on_the_wire(cls, value: str, info: ValidationInfo) -> str:
        device = info.context
        if isinstance(device, ModbusSettings):
            return str(addresses.parse(value, device.registers_from, device.bits_from))
        return str(addresses.parse(value))

    @field_validator("type")
    @classmethod
    def _fits_address(cls, value: WordType | None, info: ValidationInfo) -> WordType:
        text = str(info.data.get("address", "holding:0"))
        place = addresses.parse(text)
        is_bit = place.area.is_bits or (place.bit is not None and place.last_bit is None)
        if is_bit and value not in (None, WordType.BOOL):
            raise ValueError(f"{value} cannot be read from {text!r}; allowed: bool")
        if place.last_bit is not None and value not in (None, WordType.UINT16):
            raise ValueError(f"{value} cannot be read from {text!r}; allowed: uint16, the number that these bits make")
        if not is_bit and value is WordType.BOOL:
            raise ValueError(f"bool needs the bit in the address; allowed: {text}.0 to {text}.15")
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
        allowed = _orders(addresses.parse(str(info.data.get("address", "holding:0"))).area, info.data["type"])
        if value not in allowed:
            raise ValueError(
                f"{value!r} does not fit type {info.data['type']}; allowed: "
                + (", ".join(allowed) or "none, leave it out")
            )
        return value

    @field_validator("array")
    @classmethod
    def _is_of_an_array(cls, value: ArrayForm, info: ValidationInfo) -> ArrayForm:
        if info.data.get("count") is None:
            raise ValueError("array belongs to a point with a count, and to no other")
        return value

    @field_validator("bits")
    @classmethod
    def _are_of_one_register(cls, value: Mapping[str, str] | None, info: ValidationInfo) -> Mapping[str, str] | None:
        if value is None:
            return None
        place = addresses.parse(str(info.data.get("address", "holding:0")))
        if place.area.is_bits or place.bit is not None or info.data.get("type") is not WordType.UINT16:
            raise ValueError(
                "bits belong to one whole register of type uint16; allowed: holding: or input: without .bit"
            )
        for bits, name in value.items():
            addresses.parse(f"{place}.{bits}")
            if problem := path_problem(name):
                raise ValueError(f"{name!r} cannot be a tag's name: {problem}")
        if not value or len(set(value.values())) < len(value):
            raise ValueError("each of the bits needs a name of its own")
        return value

    @model_validator(mode="after")
    def _ends_in_the_area(self) -> Self:
        if self.count is not None and (self.bits or addresses.parse(self.address).bit is not None):
            raise ValueError("count belongs to whole registers and coils; for bits of one register name them in bits")
        last = self.first + (self.count or 1) * self.width - 1
        if last > MAX_ADDRESS:
            raise ValueError(f"{self.address!r} as {self.word_type} passes the end of the area at {MAX_ADDRESS}")
        return self


def expand(point: ModbusPoint) -> Sequence[tuple[str, ModbusPoint]]:
    """The tags of a line: the elements of an array, the named bits of a register, or the point itself."""
    place = point.place
    if point.bits is not None:
        return tuple(
            (name, ModbusPoint.model_validate({"address": f"{place}.{bits}", "order": point.order}))
            for bits, name in point.bits.items()
        )
    if not point.is_several:
        return (("", point),)
    width = point.span.count // (point.count or 1)
    common = point.model_dump(exclude_unset=True, exclude={"address", "count", "array"})
    return tuple(
        (str(index), ModbusPoint.model_validate({**common, "address": str(Address(place.area, place.first + at))}))
        for index, at in enumerate(range(0, point.span.count, width))
    )


def _orders(area: Area, type_: WordType) -> tuple[str, ...]:
    if area.is_bits:
        return ()
    if type_ is WordType.STRING:
        return TEXT_ORDERS
    registers = LAYOUTS[type_].registers
    return ("AB", "BA") if registers == 1 else tuple(ORDERS[registers])
