"""Modbus requests and answers without their frame: function codes, lengths, exception codes (pure)."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from connectors.modbus.read_plan import Area
from schemas import status

READ_CODES: Mapping[Area, int] = {Area.COIL: 1, Area.DISCRETE: 2, Area.HOLDING: 3, Area.INPUT: 4}
WRITE_COIL, WRITE_REGISTER, WRITE_REGISTERS, MASK_WRITE = 5, 6, 16, 22


class ExceptionCode(IntEnum):
    """Why a unit refuses a request (Modbus Application Protocol 1.1b3, 7)."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    ACKNOWLEDGE = 5
    BUSY = 6
    NEGATIVE_ACKNOWLEDGE = 7
    MEMORY_PARITY = 8
    GATEWAY_PATH = 10
    GATEWAY_TARGET = 11


STATUS_OF_EXCEPTION: Mapping[int, int] = {
    ExceptionCode.ILLEGAL_FUNCTION: status.BAD_NOT_SUPPORTED,
    ExceptionCode.ILLEGAL_ADDRESS: status.BAD_NODE_ID_UNKNOWN,
    ExceptionCode.ILLEGAL_VALUE: status.BAD_OUT_OF_RANGE,
    ExceptionCode.DEVICE_FAILURE: status.BAD_DEVICE_FAILURE,
    ExceptionCode.ACKNOWLEDGE: status.BAD_RESOURCE_UNAVAILABLE,
    ExceptionCode.BUSY: status.BAD_RESOURCE_UNAVAILABLE,
    ExceptionCode.NEGATIVE_ACKNOWLEDGE: status.BAD_NOT_SUPPORTED,
    ExceptionCode.MEMORY_PARITY: status.BAD_DEVICE_FAILURE,
    ExceptionCode.GATEWAY_PATH: status.BAD_NO_COMMUNICATION,
    ExceptionCode.GATEWAY_TARGET: status.BAD_NO_COMMUNICATION,
}
"""What a point is worth whose request was refused so; any other code is BAD_COMMUNICATION_ERROR."""

PASSING = frozenset({ExceptionCode.ACKNOWLEDGE, ExceptionCode.BUSY})
"""Worth another try after a pause."""

UNIT_LOST = frozenset({ExceptionCode.GATEWAY_PATH, ExceptionCode.GATEWAY_TARGET})
"""The gateway answers for a unit that does not."""

RANGE_REFUSED = frozenset({ExceptionCode.ILLEGAL_ADDRESS, ExceptionCode.ILLEGAL_VALUE})
"""Something inside the range, or its length, is not to the device's liking: a part of it may be."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request's bytes, and the only start and length that its answer may have."""

    pdu: bytes
    answer_start: bytes
    answer_bytes: int
    registers: int = 0
    """How many registers the answer carries; 0 where it is not a read."""

    def is_answered_by(self, answer: bytes) -> bool:
        """Whether `answer` fits this request; a refusal fits too."""
        if answer.startswith(self.answer_start):
            return len(answer) == self.answer_bytes
        return len(answer) == 2 and answer[0] == self.pdu[0] | 0x80

    def exception_of(self, answer: bytes) -> int | None:
        """The exception code of a fitting answer, or None where it is not a refusal."""
        return answer[1] if answer[0] & 0x80 else None


def read_request(area: Area, first: int, count: int) -> Request:
    """Ask for `count` registers or bits."""
    code = READ_CODES[area]
    data_bytes = (count + 7) // 8 if area.is_bits else 2 * count
    return Request(
        struct.pack(">BHH", code, first, count), bytes((code, data_bytes)), 2 + data_bytes, (data_bytes + 1) // 2
    )


def write_coil_request(address: int, *, is_on: bool) -> Request:
    """Set one coil."""
    return _echoed(struct.pack(">BHH", WRITE_COIL, address, 0xFF00 if is_on else 0))


def write_registers_request(first: int, data: bytes) -> Request:
    """Set holding registers: one by function 06, which more devices have than 16."""
    if len(data) == 2:
        return _echoed(struct.pack(">BH", WRITE_REGISTER, first) + data)
    head = struct.pack(">BHH", WRITE_REGISTERS, first, len(data) // 2)
    return Request(head + bytes([len(data)]) + data, head, len(head))


def mask_write_request(address: int, mask: int, data: bytes) -> Request:
    """Set the masked bits of one register inside the device, so that its other bits cannot be overwritten."""
    wanted = int.from_bytes(data, "big")
    return _echoed(struct.pack(">BHHH", MASK_WRITE, address, 0xFFFF & ~mask, wanted & mask))


def status_of(exception: int) -> int:
    """The StatusCode of a point whose request was refused with this exception code."""
    return STATUS_OF_EXCEPTION.get(exception, status.BAD_COMMUNICATION_ERROR)


def exception_text(exception: int) -> str:
    """The exception code in words."""
    try:
        return f"exception {exception:02d} ({ExceptionCode(exception).name.lower().replace('_', ' ')})"
    except ValueError:
        return f"exception {exception:02d}"


def _echoed(pdu: bytes) -> Request:
    return Request(pdu, pdu, len(pdu))
