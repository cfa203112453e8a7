"""How far a recorded server has come: its clock, the values that hold now, and who is told of changes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from asyncua import ua

from connectors.contract import Trouble
from connectors.opcua.replay.played import Place, Played, Told
from schemas import status

_SOON_US = 5_000_000
"""An item whose first value is recorded within this time waits for it, as it did then."""


class Audience(Protocol):
    """A subscription: told of whatever it watches."""

    def tell(self, place: Place, content: Any) -> None:
        """A value, or the fields of an event."""
        ...

    async def caught_up(self) -> None:
        """Returns when it has passed on all that it was told, or has gone."""
        ...


class Stage:
    """Plays the steps of a recording while somebody watches, and stands still while nobody does."""

    def __init__(self, played: Played, speed: float, now_us: Callable[[], int]) -> None:
        self.played = played
        self._speed = speed
        self._now_us = now_us
        self._at_us = 0
        self._next = 0
        self._holding: dict[Place, Told] = {}
        self._first_us = _first_times(played)
        self._audience: set[Audience] = set()
        self._watched = asyncio.Event()
        self.is_silent = False
        """Whether the recorded server said nothing at this time."""
        self.is_gone = False
        """Whether it could not be reached at this time."""
        self.on_lost: Callable[[], None] = lambda: None
        """Called when the connections are to be cut."""

    async def run(self) -> None:
        """Until cancelled; when the recording is over, its last values stay."""
        while self._next < len(self.played.steps):
            step = self.played.steps[self._next]
            await self._watched.wait()
            await asyncio.sleep(max(0, step.at_us - self._at_us) / 1e6 / self._speed)
            await self._watched.wait()  # whoever watched may have gone meanwhile: the next one misses nothing
            self._at_us, self._next = step.at_us, self._next + 1
            if step.trouble is not None:
                await self._outage(step.trouble, step.lasts_us)
                self._at_us += step.lasts_us
                continue
            for place, told in step.changes:
                self._holding[place] = told
                for each in tuple(self._audience):
                    each.tell(place, self.as_of_now(told))
        await asyncio.Event().wait()

    def watch(self, audience: Audience) -> None:
        """Tell it of changes from now on."""
        self._audience.add(audience)
        self._watched.set()

    def leave(self, audience: Audience) -> None:
        """Tell it no more."""
        self._audience.discard(audience)
        if not self._audience:
            self._watched.clear()

    def holds(self, place: Place) -> Any | None:
        """The value that was reported last, as of now; None where none was yet."""
        told = self._holding.get(place)
        return None if told is None else self.as_of_now(told)

    def first_value(self, place: Place) -> Any | None:
        """What a new item is told at once; None where its first report is about to be played."""
        held = self.holds(place)
        if held is not None:
            return held
        first_us = self._first_us.get(place)
        if first_us is not None and first_us - self._at_us <= _SOON_US:
            return None
        return ua.DataValue(StatusCode=ua.StatusCode(ua.UInt32(status.BAD_WAITING_FOR_INITIAL_DATA)))

    def as_of_now(self, told: Told) -> Any:
        """The same, as if it had arrived now: its times keep their distance to ours."""
        if not isinstance(told.content, ua.DataValue):
            return told.content
        later = timedelta(microseconds=self._now_us() - told.arrived_us)
        return replace(
            told.content,
            SourceTimestamp=_moved(told.content.SourceTimestamp, later),
            ServerTimestamp=_moved(told.content.ServerTimestamp, later),
        )

    async def _outage(self, trouble: Trouble, lasts_us: int) -> None:
        """What was told before it began has reached the client then, so it does now."""
        for each in tuple(self._audience):
            await each.caught_up()
        if trouble is Trouble.SILENT:
            self.is_silent = True
        else:
            self.is_gone = True
            self.on_lost()
        await asyncio.sleep(lasts_us / 1e6 / self._speed)
        self.is_silent = self.is_gone = False


def _first_times(played: Played) -> dict[Place, int]:
    return {place: step.at_us for step in reversed(played.steps) for place, _ in reversed(step.changes)}


def _moved(moment: Any, later: timedelta) -> Any:
    if moment is None or moment <= ua.get_win_epoch():
        return moment
    try:
        return moment + later
    except OverflowError:  # a time at the end of the calendar stays there
        return moment
