"""Named time zones in numpy: wall clock to UTC and back, for many instants at once."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Offsets are looked at so often; no zone changes and changes back in less time.
_LOOK_S = 4 * 86_400
# What parse_instant lets through, and a calendar unit beyond it on either side.
_FIRST_S, _LAST_S = -2_250_000_000, 9_270_000_000

Instants = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Zone:
    """The offsets of a zone: `offsets_us[i]` holds from `changes_us[i - 1]` until `changes_us[i]`."""

    name: str
    changes_us: Instants
    offsets_us: Instants

    def to_local(self, times_us: Instants) -> Instants:
        """UTC microseconds as microseconds on the wall clock."""
        return times_us + self.offsets_us[np.searchsorted(self.changes_us, times_us, side="right")]

    def to_utc(self, walls_us: Instants) -> Instants:
        """Wall clock to UTC: of a time that comes twice the first; one that is left out moves behind the gap."""
        later = np.maximum(self.offsets_us[:-1], self.offsets_us[1:])
        return walls_us - self.offsets_us[np.searchsorted(self.changes_us + later, walls_us, side="right")]

    def to_utc_again(self, walls_us: Instants) -> Instants:
        """The second instants of those wall clock times that come twice, in the order given."""
        earlier = np.minimum(self.offsets_us[:-1], self.offsets_us[1:])
        second = walls_us - self.offsets_us[np.searchsorted(self.changes_us + earlier, walls_us, side="right")]
        return second[second > self.to_utc(walls_us)]

    def is_constant(self, from_us: int, to_us: int) -> bool:
        """Whether the offset stays as it is from one instant to the other."""
        before, after = np.searchsorted(self.changes_us, [from_us, to_us], side="right")
        return bool(before == after)


def is_zone(name: str) -> bool:
    """Whether the time zone database has that name."""
    return name in _names()


@cache
def find_zone(name: str) -> Zone:
    """Read a zone of the time zone database, which has that name."""
    zone = ZoneInfo(name)
    changes: list[int] = []
    offsets = [_offset_s(zone, _FIRST_S)]
    for at_s in range(_FIRST_S + _LOOK_S, _LAST_S, _LOOK_S):
        offset = _offset_s(zone, at_s)
        if offset != offsets[-1]:
            changes.append(_first_with(zone, offset, at_s - _LOOK_S, at_s))
            offsets.append(offset)
    return Zone(name, np.array(changes, np.int64) * 1_000_000, np.array(offsets, np.int64) * 1_000_000)


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def _first_with(zone: ZoneInfo, offset: int, before_s: int, after_s: int) -> int:
    while after_s - before_s > 1:
        middle = (before_s + after_s) // 2
        if _offset_s(zone, middle) == offset:
            after_s = middle
        else:
            before_s = middle
    return after_s


def _offset_s(zone: ZoneInfo, at_s: int) -> int:
    offset = (_EPOCH + timedelta(seconds=at_s)).astimezone(zone).utcoffset()
    return int((offset or timedelta()).total_seconds())
