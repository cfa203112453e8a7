"""Where a reader of live samples stands: the id of an event, read again as Last-Event-ID (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cloud_api.problems import parameter_invalid
from cloud_api.server_events import LAST_EVENT_ID

# An id names so many calculated series at most; of more it says how far the last of them was behind.
MOST_NAMED = 64
_SNAPSHOT = r"(\d{1,20}:\d{1,20}:(?:\d{1,20}(?:,\d{1,20}){0,1000})?)@(\d{1,17})"
_BEHIND = rf"(?:\d{{1,10}}|\*)\.\d{{1,17}}(?:,\d{{1,10}}\.\d{{1,17}}){{0,{MOST_NAMED}}}"
_ID = re.compile(rf"{_SNAPSHOT}(?:~({_BEHIND}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """What a reader has seen: everything that was committed in this snapshot, taken at that time.

    What is calculated on the fly lags behind the snapshot: `shown_us` says up to when each such series was shown.
    """

    snapshot: str
    at_us: int
    shown_us: Mapping[int, int] = field(default_factory=dict[int, int])
    # Of series that are not named: no later than that they were shown.
    others_us: int | None = None

    def __str__(self) -> str:
        return f"{self.snapshot}@{self.at_us}{self._behind()}"

    def of(self, series_ids: frozenset[int]) -> "Position":
        """The same for a reader of only these calculated series."""
        shown = {each: self.shown_us[each] for each in series_ids if each in self.shown_us}
        return Position(self.snapshot, self.at_us, shown, self.others_us)

    def shown(self, series_id: int) -> int:
        """Up to when a calculated series was shown; of one that was not there, from the snapshot's time on."""
        others_us = self.at_us if self.others_us is None else self.others_us
        return self.shown_us.get(series_id, others_us)

    def _behind(self) -> str:
        behind = {each: max(0, self.at_us - at) for each, at in self.shown_us.items()}
        if not behind:
            return "" if self.others_us is None else f"~*.{self.at_us - self.others_us}"
        if len(behind) > MOST_NAMED:
            return f"~*.{max(behind.values())}"
        return "~" + ",".join(f"{each}.{lag}" for each, lag in sorted(behind.items()))


def read_position(text: str | None) -> Position | None:
    """Read a Last-Event-ID; a Problem says what is wrong with it."""
    if not text:
        return None
    match = _ID.fullmatch(text) if len(text) <= 8_000 else None
    if match is None:
        allowed = "the id of an event of this stream, or no such header"
        raise parameter_invalid(LAST_EVENT_ID, text, "is not an id of this stream", allowed)
    at_us = int(match[2])
    behind = [each.split(".") for each in match[3].split(",")] if match[3] else []
    named = {int(each): at_us - int(lag) for each, lag in behind if each != "*"}
    others = [at_us - int(lag) for each, lag in behind if each == "*"]
    return Position(match[1], at_us, named, others[0] if others else None)
