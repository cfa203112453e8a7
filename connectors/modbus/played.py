"""What a recorded unit answers next: each range in recorded order, its last answer from then on (pure)."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from connectors.contract import Exchange, Trouble
from connectors.modbus.pdu import RANGE_REFUSED, READ_CODES, ExceptionCode
from connectors.modbus.read_plan import Area

_BIT_READS = frozenset({READ_CODES[Area.COIL], READ_CODES[Area.DISCRETE]})
_READS = frozenset(READ_CODES.values())
_READ_BYTES = 5
_OF_THE_RANGE = frozenset({*RANGE_REFUSED, ExceptionCode.ILLEGAL_FUNCTION})
"""Refusals that say something of the range that was asked for, and nothing of the parts of it."""


class Reaction(StrEnum):
    """What the unit did."""

    ANSWER = "answer"
    SILENCE = "silence"
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reaction, the PDU where it was an answer, and how long it took."""

    reaction: Reaction
    answer: bytes = b""
    took_us: int = 0


@dataclass(frozen=True, slots=True)
class _Range:
    """A read: what a question asks for."""

    unit: int
    function: int
    first: int
    count: int

    @property
    def addresses(self) -> range:
        return range(self.first, self.first + self.count)

    def overlaps(self, other: "_Range") -> bool:
        is_same_space = (self.unit, self.function) == (other.unit, other.function)
        return is_same_space and self.first < other.first + other.count and other.first < self.first + self.count


class Played:
    """A recording and how far each range of it has been played."""

    def __init__(self, recording: Sequence[Exchange]) -> None:
        self._recording = list(_read(sorted(recording, key=lambda each: each.asked_us)))
        self._units = {place.unit for place, _ in self._recording}
        self._sequences: dict[_Range, tuple[Outcome, ...]] = {}
        self._positions: dict[_Range, int] = {}

    def outcome(self, unit: int, question: bytes) -> Outcome:
        """What the unit does when it is asked this, now."""
        function = question[0]
        if unit not in self._units:
            return _refused(function, ExceptionCode.GATEWAY_TARGET)
        if function not in _READS or len(question) != _READ_BYTES:
            return _refused(function, ExceptionCode.ILLEGAL_FUNCTION)
        place = _Range(unit, function, *struct.unpack(">HH", question[1:]))
        if not 1 <= place.count <= (2000 if function in _BIT_READS else 125):
            return _refused(function, ExceptionCode.ILLEGAL_VALUE)
        sequence = self._sequence(place)
        if not sequence:
            return _refused(function, ExceptionCode.ILLEGAL_ADDRESS)
        position = self._positions.get(place, 0)
        self._positions[place] = position + 1
        return sequence[position] if position < len(sequence) else _last_answer(sequence)

    def _sequence(self, place: _Range) -> tuple[Outcome, ...]:
        if place not in self._sequences:
            related = [(other, exchange) for other, exchange in self._recording if other.overlaps(place)]
            self._sequences[place] = tuple(_outcomes(place, related))
        return self._sequences[place]


def _read(recording: Iterable[Exchange]) -> Iterator[tuple[_Range, Exchange]]:
    """The reads of a recording; a connection that could not be made is trouble with what was read last, once."""
    last: dict[int, _Range] = {}
    lost: set[int] = set()
    for exchange in recording:
        unit = exchange.question[0] if exchange.question else -1
        place = _range(exchange.question)
        if place is not None:
            last[unit] = place
            yield place, exchange
        elif len(exchange.question) == 1 and unit in last and unit not in lost:
            yield last[unit], exchange
        (lost.discard if exchange.answer is not None else lost.add)(unit)


def _outcomes(place: _Range, related: Iterable[tuple[_Range, Exchange]]) -> Iterator[Outcome]:
    """What would have come of this range, put together from the ranges that were asked for then.

    Reads of other ranges fill an image of the device; it is told when one of its addresses would be read again.
    """
    image: dict[int, int] = {}
    fresh: set[int] = set()
    took_us = 0
    for other, exchange in related:
        values = _values(other, exchange)
        if values is None and not _concerns(place, other, exchange):
            continue
        asked = [address for address in other.addresses if address in place.addresses]
        if (values is None or not fresh.isdisjoint(asked)) and fresh:
            yield from _told(place, image, took_us)
            fresh.clear()
        if values is None:
            yield _trouble(exchange)
            continue
        image |= {address: values[address - other.first] for address in asked}
        fresh.update(asked)
        took_us = exchange.took_us
    if fresh:
        yield from _told(place, image, took_us)


def _told(place: _Range, image: dict[int, int], took_us: int) -> Iterator[Outcome]:
    """The range's answer, where all of it is known."""
    if len(image) != place.count:
        return
    values = [image[address] for address in place.addresses]
    if place.function in _BIT_READS:
        packed = sum(bit << at for at, bit in enumerate(values)).to_bytes((place.count + 7) // 8, "little")
    else:
        packed = struct.pack(f">{place.count}H", *values)
    yield Outcome(Reaction.ANSWER, bytes((place.function, len(packed))) + packed, took_us)


def _values(place: _Range, exchange: Exchange) -> Sequence[int] | None:
    """The registers or bits of an answer; None where it has none."""
    answer = exchange.answer
    if answer is None or answer[:1] != bytes((place.function,)):
        return None
    data = answer[2:]
    if place.function in _BIT_READS:
        bits = int.from_bytes(data, "little")
        return [bits >> at & 1 for at in range(place.count)] if len(data) * 8 >= place.count else None
    return struct.unpack(f">{place.count}H", data) if len(data) == 2 * place.count else None


def _concerns(place: _Range, other: _Range, exchange: Exchange) -> bool:
    """Whether trouble with another range would have been trouble with this one, too."""
    if place == other or exchange.answer is None:
        return True
    return len(exchange.answer) == 2 and exchange.answer[1] not in _OF_THE_RANGE


def _trouble(exchange: Exchange) -> Outcome:
    if exchange.answer:
        return Outcome(Reaction.ANSWER, exchange.answer, exchange.took_us)
    if exchange.trouble is Trouble.SILENT:
        return Outcome(Reaction.SILENCE)
    return Outcome(Reaction.HANG_UP, took_us=exchange.took_us)


def _last_answer(sequence: Sequence[Outcome]) -> Outcome:
    """A recording that ends in silence goes on with the last thing that was said."""
    answers = (outcome for outcome in reversed(sequence) if outcome.reaction is Reaction.ANSWER)
    values = (outcome for outcome in reversed(sequence) if outcome.answer and not outcome.answer[0] & 0x80)
    return next(values, next(answers, sequence[-1]))


def _range(question: bytes) -> _Range | None:
    if len(question) != 1 + _READ_BYTES or question[1] not in _READS:
        return None
    unit, function, first, count = struct.unpack(">BBHH", question)
    return _Range(unit, function, first, count) if count else None


def _refused(function: int, code: ExceptionCode) -> Outcome:
    return Outcome(Reaction.ANSWER, bytes((function | 0x80, code)))
