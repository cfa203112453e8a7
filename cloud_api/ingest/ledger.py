"""What is settled of each epoch: ranges of batch numbers that are stored, rejected or declared lost (pure)."""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

# So many CRCs an epoch are kept to tell a re-sent batch from a number used twice.
RECENT_COUNT = 128
# A publisher that leaves holes for ever would make the row grow for ever: the oldest holes are closed as lost.
MAX_RANGES = 1_000
MAX_RANGES_IN_ACK = 50


class Ranges:
    """A set of positive integers as disjoint, ascending, inclusive ranges."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._lows: list[int] = []
        self._highs: list[int] = []
        for low, high in ranges:
            self.add(low, high)

    def __contains__(self, number: int) -> bool:
        at = bisect_left(self._highs, number)
        return at < len(self._lows) and self._lows[at] <= number

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self._lows, self._highs, strict=True))

    def __len__(self) -> int:
        return len(self._lows)

    def __bool__(self) -> bool:
        return bool(self._lows)

    def covers(self, low: int, high: int) -> bool:
        """Whether every number of this range is in."""
        at = bisect_left(self._highs, high)
        return at < len(self._lows) and self._lows[at] <= low

    def add(self, low: int, high: int) -> None:
        """Add a range; it merges with those that it touches."""
        first = bisect_left(self._highs, low - 1)
        last = first
        while last < len(self._lows) and self._lows[last] <= high + 1:
            low, high = min(low, self._lows[last]), max(high, self._highs[last])
            last += 1
        self._lows[first:last] = [low]
        self._highs[first:last] = [high]

    def through(self) -> int:
        """The last number up to which nothing is missing; 0 when 1 is."""
        return self._highs[0] if self._lows and self._lows[0] <= 1 else 0

    def holes_before_last(self, count: int) -> list[tuple[int, int]]:
        """The holes in front of the last `count` ranges."""
        kept = max(len(self._lows) - count, 0)
        edges = [0, *self._highs[:kept]]
        return [(high + 1, low - 1) for high, low in zip(edges, self._lows[: kept + 1], strict=False) if low > high + 1]

    def literal(self) -> str:
        """The text form of an int8multirange."""
        return "{" + ",".join(f"[{low},{high}]" for low, high in self) + "}"


class Verdict(Enum):
    """What the ledger says of a batch's number."""

    FRESH = "fresh"
    REPEATED = "repeated"
    REUSED = "reused"


@dataclass(slots=True)
class LedgerChange:
    """What one transaction adds to one row of the ledger."""

    stored: Ranges = field(default_factory=Ranges)
    rejected: Ranges = field(default_factory=Ranges)
    lost: Ranges = field(default_factory=Ranges)
    recent: dict[int, int] = field(default_factory=dict[int, int])

    def judge(self, entry: "LedgerEntry", seq: int, crc: int) -> Verdict:
        """Compare a batch with what is committed and with what this very transaction adds."""
        known = self.recent.get(seq, entry.recent.get(seq))
        if not (seq in entry.stored or seq in entry.rejected or seq in self.stored or seq in self.rejected):
            return Verdict.FRESH
        return Verdict.REUSED if known is not None and known != crc else Verdict.REPEATED


@dataclass(slots=True)
class LedgerEntry:
    """One row of the ledger as it is committed."""

    stored: Ranges = field(default_factory=Ranges)
    rejected: Ranges = field(default_factory=Ranges)
    lost: Ranges = field(default_factory=Ranges)
    recent: OrderedDict[int, int] = field(default_factory=OrderedDict[int, int])
    settled: Ranges = field(default_factory=Ranges)

    def __post_init__(self) -> None:
        for ranges in (self.stored, self.rejected, self.lost):
            for low, high in ranges:
                self.settled.add(low, high)

    def apply(self, change: LedgerChange) -> None:
        """Take over what was committed."""
        pairs = ((self.stored, change.stored), (self.rejected, change.rejected), (self.lost, change.lost))
        for mine, added in pairs:
            for low, high in added:
                mine.add(low, high)
                self.settled.add(low, high)
        self.recent.update(change.recent)
        while len(self.recent) > RECENT_COUNT:
            self.recent.popitem(last=False)

    def close_old_holes(self, change: LedgerChange) -> None:
        """Declare holes lost that are older than the row has room for."""
        if len(self.settled) <= MAX_RANGES:
            return
        for low, high in self.settled.holes_before_last(MAX_RANGES // 2):
            change.lost.add(low, high)

    def also(self) -> tuple[tuple[int, int], ...]:
        """The newest settled ranges behind the first hole."""
        beyond = [pair for pair in self.settled if pair[0] > 1]
        return tuple(beyond[-MAX_RANGES_IN_ACK:])
