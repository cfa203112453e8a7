"""The hall's Modbus TCP server: one line, several units, registers encoded as each device's maker would."""

import struct
from collections.abc import Callable, Mapping, Sequence

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from millstream.plant.tags import ModbusDevice, Reading, RegisterTag, modbus_devices

_AREAS = {1: "coil", 2: "discrete", 3: "holding", 4: "input", 5: "coil", 6: "holding", 15: "coil", 16: "holding"}
_FORMATS = {"int16": ">h", "uint16": ">H", "uint32": ">I", "uint64": ">Q", "float32": ">f"}
_RANGES = {"int16": (-(2**15), 2**15 - 1), "uint16": (0, 2**16 - 1), "uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1)}
_LOW_WORD_FIRST = ("CDAB", "GHEFCDAB")

Order = Callable[[str, float], bool]
"""Takes what was written to a tag; false when the plant does not accept it."""


class PlantModbusServer:
    """Serves the register maps; a register is encoded when it is read, so nothing is done while nobody asks."""

    def __init__(self, port: int, order: Order) -> None:
        self.url = f"tcp://127.0.0.1:{port}"
        self._port = port
        self._units = [_Unit(device, order) for device in modbus_devices()]
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        """Listen."""
        devices = [SimDevice(unit.unit_id, simdata=unit.layout(), action=unit.serve) for unit in self._units]
        self._server = ModbusTcpServer(devices, address=("127.0.0.1", self._port))
        await self._server.serve_forever(background=True)

    def show(self, readings: Mapping[str, Reading]) -> None:
        """From now on, answer with these readings, by tag name."""
        for unit in self._units:
            unit.readings = readings

    async def stop(self) -> None:
        """Close the listener and all connections."""
        if self._server is not None:
            await self._server.shutdown()


class _Unit:
    """One device on the line: its map, and how a request is answered."""

    def __init__(self, device: ModbusDevice, order: Order) -> None:
        self.unit_id = device.unit_id
        self.readings: Mapping[str, Reading] = {}
        self._order = order
        self._areas: dict[str, list[RegisterTag]] = {"coil": [], "discrete": [], "holding": [], "input": []}
        for tag in device.registers:
            self._areas[tag.area].append(tag)

    def layout(self) -> tuple[list[SimData], list[SimData], list[SimData], list[SimData]]:
        """Which addresses there are; between them a request is answered with exception 02."""
        coils, discretes = (
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
        )
        words = [
            [SimData(tag.address, values=[0] * width(tag), datatype=DataType.REGISTERS) for tag in self._areas[area]]
            for area in ("holding", "input")
        ]
        return coils, discretes, words[0], words[1]

    async def serve(
        self,
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Bring the registers up to date before they are read; pass on what is written."""
        tags = self._areas.get(_AREAS.get(function_code, ""))
        if not tags:
            return ExcCodes.ILLEGAL_FUNCTION
        if set_values is not None:
            return self._take(tags, address, set_values)
        for tag in tags:
            words = encode(tag, self.readings.get(tag.tag.name))
            if tag.tag.type == "bool":
                _set_bit(current_registers, tag.address - start_address * 16, words[0])
            elif tag.address < address + count and address < tag.address + len(words):
                place = tag.address - start_address
                current_registers[place : place + len(words)] = words
        return None

    def _take(self, tags: Sequence[RegisterTag], address: int, values: Sequence[int]) -> ExcCodes | None:
        """A write has to hit one whole tag that the plant lets be written."""
        for tag in tags:
            if tag.address != address or width(tag) != len(values) or tag.tag.type == "string":
                continue
            number = decode(tag, values)
            if self._order(tag.tag.name, number):
                self.readings = {**self.readings, tag.tag.name: number}
                return None
        return ExcCodes.ILLEGAL_ADDRESS


def width(tag: RegisterTag) -> int:
    """How many registers (or bits) a tag takes."""
    if tag.tag.type == "bool":
        return 1
    return (tag.length or struct.calcsize(_FORMATS[tag.tag.type])) // 2


def encode(tag: RegisterTag, reading: Reading) -> list[int]:
    """The registers that show a reading, in the order in which they are read; a bit is one number, 0 or 1."""
    if tag.tag.type == "bool":
        return [int(bool(reading))]
    if tag.tag.type == "string":
        raw = str(reading or "").encode()[: tag.length].ljust(tag.length, b"\0")
    else:
        raw = _packed(tag, reading) if isinstance(reading, int | float) else bytes(2 * width(tag))
    return _ordered(tag, [raw[place : place + 2] for place in range(0, len(raw), 2)])


def _packed(tag: RegisterTag, reading: float) -> bytes:
    if tag.tag.type == "float32":
        return struct.pack(">f", reading)
    # Noise around nothing would be below nothing; a device shows the end of its range.
    low, high = _RANGES[tag.tag.type]
    return struct.pack(_FORMATS[tag.tag.type], min(high, max(low, round(reading * tag.divisor))))


def decode(tag: RegisterTag, registers: Sequence[int]) -> float:
    """The number that somebody wrote."""
    if tag.tag.type == "bool":
        return float(registers[0])
    words = _ordered(tag, [register.to_bytes(2) for register in registers])
    (number,) = struct.unpack(_FORMATS[tag.tag.type], b"".join(word.to_bytes(2) for word in words))
    return number / tag.divisor


def _ordered(tag: RegisterTag, words: list[bytes]) -> list[int]:
    """Big-endian words in the device's order, and back: each order is its own inverse."""
    if tag.order in _LOW_WORD_FIRST:
        words.reverse()
    if tag.order == "BADC":
        words = [word[::-1] for word in words]
    return [int.from_bytes(word) for word in words]


def _set_bit(registers: list[int], place: int, bit: int) -> None:
    mask = 1 << (place % 16)
    registers[place // 16] = registers[place // 16] | mask if bit else registers[place // 16] & ~mask
