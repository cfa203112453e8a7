"""What the flight recorder is given of an exchange: unit and PDU both ways, and never a value that was written."""

from connectors.contract import Clock, Exchange, Trouble
from connectors.errors import DeviceUnreachable, ReadTimeout
from connectors.modbus.line import Answer, Caller, Line
from connectors.modbus.pdu import READ_CODES, UNIT_LOST, Request

_READS = frozenset(READ_CODES.values())
_HEAD_BYTES = 3
"""Function and address of a write, or function and code of a refusal: what is kept of exchanges that are no reads."""


async def recorded(line: Line, caller: Caller, request: Request, timeout_s: float, clock: Clock) -> Answer:
    """Exchange on this line, and note what was said or what became of it."""
    asked_us = clock.now_us()
    question = bytes((caller.unit,)) + redacted(request.pdu)
    try:
        answer = await line.exchange(caller, request, timeout_s)
    except DeviceUnreachable as error:
        trouble = Trouble.SILENT if isinstance(error, ReadTimeout) else Trouble.LOST
        _note(caller, Exchange(asked_us, clock.now_us() - asked_us, question, None, trouble))
        raise
    trouble = Trouble.REFUSED if request.exception_of(answer.pdu) in UNIT_LOST else None
    _note(caller, Exchange(asked_us, answer.at_us - asked_us, question, redacted(answer.pdu), trouble))
    return answer


def note_lost(caller: Caller, asked_us: int, clock: Clock) -> None:
    """Note that no connection could be made, by a question of the unit alone."""
    _note(caller, Exchange(asked_us, clock.now_us() - asked_us, bytes((caller.unit,)), None, Trouble.LOST))


def redacted(pdu: bytes) -> bytes:
    """Without what was written: devices take passwords through registers. Reads are kept as they are."""
    if pdu[0] & 0x7F in _READS:
        return pdu
    return pdu[:_HEAD_BYTES] + bytes(max(0, len(pdu) - _HEAD_BYTES))


def _note(caller: Caller, exchange: Exchange) -> None:
    if caller.recorder is not None:
        caller.recorder.note(exchange)
