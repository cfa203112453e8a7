"""From an address as a manual writes it to the address on the wire: `holding:100.3`, `40101`, `300008` (pure)."""

import re
from dataclasses import dataclass

from connectors.modbus.read_plan import Area

MAX_ADDRESS = 0xFFFF
LAST_BIT = 15

_WIRE = re.compile(r"(coil|discrete|input|holding):(0[xX][0-9A-Fa-f]{1,4}|\d{1,5})(?:\.(\d{1,2})(?:-(\d{1,2}))?)?")
_REFERENCE = re.compile(r"([0134])(\d{4}|\d{5})(?:\.(\d{1,2})(?:-(\d{1,2}))?)?")
_REFERENCE_AREAS = {"0": Area.COIL, "1": Area.DISCRETE, "3": Area.INPUT, "4": Area.HOLDING}
_AREAS = ", ".join(f"{area}:" for area in Area)


@dataclass(frozen=True, slots=True)
class Address:
    """A place on the wire: an area, an address that counts from 0, and the bits of a register where not all of it."""

    area: Area
    first: int
    bit: int | None = None
    last_bit: int | None = None

    def __str__(self) -> str:
        bits = "" if self.bit is None else f".{self.bit}"
        return f"{self.area}:{self.first}{bits}" + ("" if self.last_bit is None else f"-{self.last_bit}")


def parse(text: str, registers_from: int = 0, bits_from: int = 0) -> Address:
    """Read an address; raises ValueError, saying what is allowed.

    `registers_from` and `bits_from` are the numbers that the manual gives to the first register and the first coil
    in the form `holding:…`; references such as 40101 count from 1 whatever they say.
    """
    if found := _REFERENCE.fullmatch(text):
        return _checked(text, _REFERENCE_AREAS[found[1]], int(found[2]) - 1, found[3], found[4])
    found = _WIRE.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not an address; allowed: {_AREAS} and the 0-based wire address, "
            "for example holding:100 or holding:100.3 for its bit 3; or the manual's 40101, which is holding:100"
        )
    area = Area(found[1])
    return _checked(text, area, int(found[2], 0) - (bits_from if area.is_bits else registers_from), found[3], found[4])


def _checked(text: str, area: Area, first: int, bit: str | None, last_bit: str | None) -> Address:
    if not 0 <= first <= MAX_ADDRESS:
        raise ValueError(f"{text!r} lies outside the area; allowed: 0 to {MAX_ADDRESS} on the wire")
    if bit is None:
        return Address(area, first)
    if area.is_bits or int(last_bit or bit) > LAST_BIT:
        raise ValueError(f"{text!r} has no such bit; allowed: .0 (least significant) to .15 on holding and input")
    if last_bit is not None and int(last_bit) <= int(bit):
        raise ValueError(f"{text!r} counts its bits backwards; allowed: the lower one first, for example .4-6")
    return Address(area, first, int(bit), None if last_bit is None else int(last_bit))
