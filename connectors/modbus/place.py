"""Where a Modbus tag's value lies and how its bytes make a value, once its table was checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from connectors.errors import ConfigInvalid
from connectors.modbus import address as addresses
from connectors.modbus.address import Address
from connectors.modbus.decode import LAYOUTS, Encoding, WordField, WordType
from connectors.modbus.read_plan import Area, Span


class ArrayForm(StrEnum):
    """What becomes of an array."""

    TAGS = "tags"
    JSON = "json"


@dataclass(frozen=True)
class ModbusPlace:
    """A value in the unit; `point.ModbusPoint` says what each key means and what it may be."""

    address: str
    type: WordType | None = None
    length: int | None = None
    encoding: Encoding = Encoding.UTF_8
    order: str | None = None
    count: int | None = None
    array: ArrayForm = ArrayForm.TAGS
    bits: Mapping[str, str] | None = None

    @property
    def word_type(self) -> WordType:
        """The type as written, or the one that goes without saying."""
        return self.type or WordType.UINT16

    @property
    def place(self) -> Address:
        """Where it lies on the wire."""
        return addresses.parse(self.address)

    @property
    def span(self) -> Span:
        """What has to be read for it."""
        return Span(self.area, self.first, (self.count or 1) * self.width)

    def field(self, device_order: str) -> WordField:
        """How its bytes make a value, where the device has this order by default."""
        order = self.order or ("AB" if self.word_type is WordType.STRING else device_order)
        place = self.place
        bits = 0 if place.bit is None or place.last_bit is None else place.last_bit - place.bit + 1
        return WordField(
            self.word_type, order, self.length or 0, place.bit or 0, self.encoding, bits=bits, count=self.count or 0
        )

    @property
    def area(self) -> Area:
        """The address space that the point lies in."""
        return self.place.area

    @property
    def first(self) -> int:
        """Wire address of its first register or bit."""
        return self.place.first

    @property
    def is_several(self) -> bool:
        """Whether it stands for several tags, and has to be expanded."""
        return self.bits is not None or (self.count is not None and self.array is ArrayForm.TAGS)

    @property
    def width(self) -> int:
        """Registers or bits that one value takes."""
        return 1 if self.area.is_bits else self.length or LAYOUTS[self.word_type].registers


def refuse_several(points: Sequence[ModbusPlace]) -> None:
    """A connector reads one value for each point: whoever makes one expands the lines first."""
    several = [point.address for point in points if point.is_several]
    if several:
        raise ConfigInvalid(f"{', '.join(several)}: an array or bits of several tags was not expanded into its tags")
