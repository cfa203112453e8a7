"""Who answers at an address: Modbus units by function 43/14, Read Device Identification; nothing is read or written."""

import asyncio
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.contract import Discovery, FoundDevice, LookOptions
from connectors.modbus.link import DEFAULT_PORT
from connectors.modbus.pdu import UNIT_LOST, exception_text

_FUNCTION, _REFUSED, _KIND, _BASIC = 0x2B, 0xAB, 0x0E, 0x01
_MOST_ANSWERS = 8
"""Parts that an identification may come in; more is a device that never ends."""

_OBJECTS = {0: "vendor", 1: "product", 2: "revision", 3: "vendor url", 4: "product name", 5: "model", 6: "application"}


@dataclass(frozen=True, slots=True)
class Part:
    """One answer of an identification: its objects, and where the next one begins, if there is one."""

    objects: Mapping[int, str]
    next_object: int | None


async def look(host: str, port: int, options: LookOptions) -> Sequence[FoundDevice]:
    """The units that answer there, one connection for all; an open port where none answers is found, too."""
    try:
        async with asyncio.timeout(options.timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return []
    url = f"tcp://{host}:{port}"
    found: list[FoundDevice] = []
    try:
        for number, unit in enumerate(options.units, start=1):
            device = await _unit(_Asker(reader, writer, options.timeout_s, number), url, unit)
            if device is not None:
                found.append(device)
            await asyncio.sleep(options.pause_s)
    except (OSError, asyncio.IncompleteReadError):
        pass  # it hung up: what answered before is found
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)  # it is closed in the loop's next round
    if found:
        return found
    return [FoundDevice(url, "open port", {"units": f"none of {len(options.units)} answered as Modbus"})]


DISCOVERY = Discovery(ports=(DEFAULT_PORT,), look=look)


def request_pdu(first_object: int) -> bytes:
    """Ask for the basic objects from this one on."""
    return bytes((_FUNCTION, _KIND, _BASIC, first_object))


def parse_answer(pdu: bytes) -> Part:
    """The objects of one answer; raises ValueError where it is none."""
    if len(pdu) < 7 or pdu[0] != _FUNCTION or pdu[1] != _KIND:
        raise ValueError("no identification")
    objects: dict[int, str] = {}
    rest = pdu[7:]
    for _ in range(pdu[6]):
        if len(rest) < 2 or len(rest) < 2 + rest[1]:
            raise ValueError("an object is cut off")
        text = rest[2 : 2 + rest[1]].decode(errors="replace")
        objects[rest[0]] = "".join(letter if letter.isprintable() else "�" for letter in text).strip()
        rest = rest[2 + rest[1] :]
    return Part(objects, pdu[5] if pdu[4] == 0xFF else None)


@dataclass(slots=True)
class _Asker:
    """Asks one unit at a time; answers to earlier questions are told by their transaction and dropped."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    timeout_s: float
    number: int

    async def ask(self, unit: int, pdu: bytes, part: int) -> bytes | None:
        """The answer's PDU; None where the unit keeps silent."""
        transaction = self.number << 4 | part
        self.writer.write(struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu)
        await self.writer.drain()
        try:
            async with asyncio.timeout(self.timeout_s):
                while True:
                    head = await self.reader.readexactly(7)
                    answered, protocol, length, _ = struct.unpack(">HHHB", head)
                    if protocol != 0 or not 2 <= length <= 254:
                        raise ConnectionError("this is no Modbus")
                    answer = await self.reader.readexactly(length - 1)
                    if answered == transaction:
                        return answer
        except TimeoutError:
            return None


async def _unit(asker: _Asker, url: str, unit: int) -> FoundDevice | None:
    objects: dict[int, str] = {}
    next_object: int | None = 0
    for part in range(_MOST_ANSWERS):
        if next_object is None:
            break
        answer = await asker.ask(unit, request_pdu(next_object), part)
        if answer is None:
            return _device(url, unit, objects) if objects else None
        if answer[0] == _REFUSED:
            return _refused(url, unit, answer)
        try:
            read = parse_answer(answer)
        except ValueError:
            return FoundDevice(url, f"unit {unit}", {"identification": "an answer that cannot be read"})
        objects |= read.objects
        next_object = read.next_object
    return _device(url, unit, objects)


def _refused(url: str, unit: int, answer: bytes) -> FoundDevice | None:
    exception = answer[1] if len(answer) > 1 else 0
    if exception in UNIT_LOST:
        return None
    return FoundDevice(url, f"unit {unit}", {"identification": f"refused: {exception_text(exception)}"})


def _device(url: str, unit: int, objects: Mapping[int, str]) -> FoundDevice:
    named = {_OBJECTS.get(number, f"object {number}"): text for number, text in sorted(objects.items())}
    return FoundDevice(url, f"unit {unit}", named or {"identification": "answered, and names nothing"})
