"""What stands before operators, fresh for all browsers of the process: one look at the journal, one list a reach."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cloud_api.console.api import Api, Refused

SHOWN = 20
WAIT_S = 5.0
# A flood changes the lists all the time: the watch rests longer than it works, and people read no faster than this.
LEAST_S, MOST_S, REST = 0.1, 1.0, 2.0
RETRY_S = 2.0

log = logging.getLogger(__name__)


class Feed(Protocol):
    """The end of the alarm journal, as the API's streams read it."""

    @property
    def newest(self) -> int:
        """The number of the newest row."""
        ...

    async def after(self, number: int, wait_s: float) -> Any:
        """Rows after a number, none when nothing came in time."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """The alarms of one reach at one moment: counts of the lists, and the foremost that nobody has acknowledged."""

    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    foremost: tuple[Mapping[str, Any], ...] = ()
    newest: Mapping[str, Any] | None = None
    as_of: str = ""
    number: int = 0


Listener = Callable[[Standing], None]


@dataclass(eq=False, slots=True)
class _Viewer:
    """One page that is told; its reach says which list."""

    api: Api
    reach: str
    tell: Listener


class AlarmWatch:
    """Tells pages when something happened to alarms."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._viewers: set[_Viewer] = set()
        self._last: dict[str, Standing] = {}
        self._number = 0

    def follow(self, api: Api, reach: str, tell: Listener) -> Callable[[], None]:
        """Call `tell` with every change, and soon with the present; what is returned ends it."""
        viewer = _Viewer(api, reach, tell)
        self._viewers.add(viewer)
        if reach in self._last:
            tell(self._last[reach])

        def leave() -> None:
            self._viewers.discard(viewer)
            if all(other.reach != reach for other in self._viewers):
                self._last.pop(reach, None)

        return leave

    async def run(self) -> None:
        """Follow the journal until cancelled."""
        while True:
            try:
                await self._step()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 the database may be away; the watch outlives everything
                log.warning("the watch of alarms waits: %s", " ".join(str(error).split()) or type(error).__name__)
                await asyncio.sleep(RETRY_S)

    async def _step(self) -> None:
        rows = await self._feed.after(self._number, WAIT_S) if self._viewers else ()
        if not self._viewers:
            await asyncio.sleep(LEAST_S)
            return
        while rows:
            self._number = rows[-1].number
            rows = await self._feed.after(self._number, 0.0)
        began = time.monotonic()
        await self._refresh()
        await asyncio.sleep(min(MOST_S, max(LEAST_S, REST * (time.monotonic() - began))))

    async def _refresh(self) -> None:
        by_reach: dict[str, list[_Viewer]] = {}
        for viewer in self._viewers:
            by_reach.setdefault(viewer.reach, []).append(viewer)
        for reach, viewers in by_reach.items():
            standing = await self._read(viewers)
            if standing is None:
                continue
            self._last[reach] = standing
            for viewer in viewers:
                if viewer in self._viewers:
                    # One page that cannot be told keeps it from no other.
                    with contextlib.suppress(Exception):
                        viewer.tell(standing)

    async def _read(self, viewers: list[_Viewer]) -> Standing | None:
        """Ask as the first whose session still holds."""
        for viewer in viewers:
            try:
                page, latest = await asyncio.gather(
                    viewer.api.get("/alarms", state="unacknowledged", limit=SHOWN),
                    viewer.api.get("/alarms", state="unacknowledged", sort="newest", limit=1),
                )
            except Refused as refused:
                if refused.status in {401, 403}:
                    continue
                raise
            return Standing(
                counts=page["counts"],
                foremost=tuple(page["items"]),
                newest=latest["items"][0] if latest["items"] else None,
                as_of=page["as_of"],
                number=self._number,
            )
        return None
