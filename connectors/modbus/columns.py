"""Collects the answers of one poll into the columns of a ReadResult."""

from collections.abc import Sequence

from connectors.contract import ReadResult
from connectors.modbus.decode import Decoder
from schemas import status
from schemas.sample import Kind, Value


class Columns:
    """One poll's samples while they come in."""

    def __init__(self) -> None:
        self._points: list[int] = []
        self._kinds: list[Kind] = []
        self._values: list[Value] = []
        self._statuses: list[int] = []
        self._times_us: list[int] = []
        self._until_us: int | None = None

    @property
    def is_answered(self) -> bool:
        """Whether the device answered anything at all."""
        return self._until_us is not None

    def answered(self, at_us: int) -> None:
        """Note that an answer came: all that was measured for this poll until then is, or will be, in here."""
        self._until_us = at_us

    def add(self, points: Sequence[int], decoder: Decoder, data: bytes, at_us: int) -> None:
        """Add one answered block; bytes that make no value of their type are Bad."""
        values = decoder.values(data)
        count = len(points)
        first = len(self._points)
        self._points += points
        self._kinds += decoder.kinds
        self._values += values
        self._statuses += [status.GOOD] * count
        self._times_us += [at_us] * count
        if decoder.finishers:
            for position, _ in decoder.finishers:
                if values[position] is None:
                    self._kinds[first + position] = Kind.NONE
                    self._statuses[first + position] = status.BAD_DECODING_ERROR

    def add_bad(self, points: Sequence[int], reason: int, at_us: int) -> None:
        """Add points without a value."""
        count = len(points)
        self._points += points
        self._kinds += [Kind.NONE] * count
        self._values += [None] * count
        self._statuses += [reason] * count
        self._times_us += [at_us] * count

    def add_missing(self, points: Sequence[int], reason: int, at_us: int) -> None:
        """Add those of these points that have no sample yet: the device fell silent before."""
        present = set(self._points)
        self.add_bad([point for point in points if point not in present], reason, at_us)

    def result(self) -> ReadResult:
        """All samples; with one request on the line, nothing measured before the last answer can be missing."""
        return ReadResult(self._points, self._kinds, self._values, self._statuses, self._times_us, self._until_us)
