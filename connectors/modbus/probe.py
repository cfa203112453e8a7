"""What the registers of a unit could mean: every type and order side by side, and a value back as registers."""

import re
from collections.abc import Iterator, Mapping, Sequence

from connectors.contract import Clock, Interpretation
from connectors.modbus import encode
from connectors.modbus.connector import ModbusConnector
from connectors.modbus.decode import LAYOUTS, ORDERS, Encoding, WordField, WordType, register_decoder
from connectors.modbus.place import ModbusPlace
from connectors.modbus.read_plan import Area
from connectors.modbus.settings import ModbusSettings
from schemas.sample import Kind, Value

MOST_REGISTERS = 2_000
"""A wider range would keep a slow unit busy for minutes."""

_RANGE = re.compile(r"(?:(holding|input|coil|discrete):)?(\d{1,5})(?:-(\d{1,5}))?")
_TRIED = (
    *(WordType.UINT16, WordType.INT16, WordType.BCD16, WordType.FLOAT16),
    *(WordType.UINT32, WordType.INT32, WordType.FLOAT32, WordType.BCD32),
    *(WordType.UINT64, WordType.INT64, WordType.FLOAT64),
)
_ORDERS_TRIED = {1: ("AB", "BA"), 2: tuple(ORDERS[2]), 4: ("ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA")}
_TEXT_REGISTERS = 8


def raw(config: ModbusSettings, point: ModbusPlace, kind: Kind, value: Value) -> str | None:
    """The registers that make this value, in hexadecimal, four digits each; a coil as 0 or 1."""
    if point.area.is_bits:
        return str(int(value)) if isinstance(value, bool) else None
    try:
        return _hexadecimal(encode.encode(point.field(config.order), value))
    except ValueError:
        return None


async def probe(config: ModbusSettings, text: str, clock: Clock) -> Sequence[Interpretation]:
    """Read a range such as `0-200` or `input:0-99` once; registers that the unit refuses are left out."""
    area, first, last = parse_range(text)
    points = [
        ModbusPlace(f"{area}:{address}", WordType.BOOL if area.is_bits else WordType.UINT16)
        for address in range(first, last + 1)
    ]
    connector = ModbusConnector(config, points, clock)
    try:
        await connector.open()
        result = await connector.read(range(len(points)))
    finally:
        await connector.close()
    found = {
        first + point: value for point, value in zip(result.points, result.values, strict=True) if value is not None
    }
    if area.is_bits:
        return [
            Interpretation({"address": f"{area}:{address}"}, bool(value), str(int(bool(value))))
            for address, value in sorted(found.items())
        ]
    return interpretations(area, {address: int(value).to_bytes(2, "big") for address, value in found.items()})


def parse_range(text: str) -> tuple[Area, int, int]:
    """The area and its first and last address; raises ValueError, saying what is allowed."""
    found = _RANGE.fullmatch(text.strip())
    allowed = f"allowed: 0-200, holding:0-200, input:…, coil:… or discrete:…, at most {MOST_REGISTERS} addresses"
    if found is None:
        raise ValueError(f"{text!r} is not a range; {allowed}")
    first, last = int(found[2]), int(found[3] or found[2])
    if not 0 <= first <= last <= 0xFFFF or last - first >= MOST_REGISTERS:
        raise ValueError(f"{text!r} cannot be read; {allowed}")
    return Area(found[1] or "holding"), first, last


def interpretations(area: Area, registers: Mapping[int, bytes]) -> list[Interpretation]:
    """Everything that registers at these addresses could be, by address; only neighbours make a wider value."""
    found: list[Interpretation] = []
    for address in sorted(registers):
        for field in _fields():
            words = [registers.get(address + place) for place in range(field.registers)]
            if None in words:
                continue
            content = b"".join(word for word in words if word is not None)
            (value,) = register_decoder([(0, field)]).values(content)
            if value is not None:
                found.append(Interpretation(_point(area, address, field), value, _hexadecimal(content)))
        found += _texts(area, address, registers)
    return found


def _fields() -> Iterator[WordField]:
    for kind in _TRIED:
        for order in _ORDERS_TRIED[LAYOUTS[kind].registers]:
            yield WordField(kind, order)


def _point(area: Area, address: int, field: WordField) -> dict[str, str | int]:
    plain = {1: "AB", 2: "ABCD", 4: "ABCDEFGH"}[field.registers]
    order = {} if field.order == plain else {"order": field.order}
    return {"address": f"{area}:{address}", "type": str(field.type), **order}


def _texts(area: Area, address: int, registers: Mapping[int, bytes]) -> Iterator[Interpretation]:
    """The text that begins here, where at least four printable characters do, and none did one register before."""
    content = b""
    while len(content) < 2 * _TEXT_REGISTERS and (word := registers.get(address + len(content) // 2)) is not None:
        content += word
    before = registers.get(address - 1, b"\0\0")
    for order, begun, previous in (("AB", content, before), ("BA", _swapped(content), _swapped(before))):
        field = WordField(WordType.STRING, order, len(content) // 2, encoding=Encoding.ASCII)
        text = begun.partition(b"\0")[0]
        if len(text) >= 4 and _is_printable(text) and not _is_printable(previous):
            point: dict[str, str | int] = {"address": f"{area}:{address}", "type": "string", "length": field.length}
            yield Interpretation({**point, "order": order}, text.decode(), _hexadecimal(content))


def _is_printable(text: bytes) -> bool:
    return all(32 <= byte < 127 for byte in text)


def _swapped(content: bytes) -> bytes:
    return bytes(content[place ^ 1] for place in range(len(content)))


def _hexadecimal(content: bytes) -> str:
    return content.hex(" ", 2) if len(content) > 1 else content.hex()
