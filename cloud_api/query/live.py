"""Live samples for many readers: one look at the database for all of them, resumed from what is stored, no LISTEN."""

import asyncio
import logging
import re
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from cloud_api.auth.reach import Reach
from cloud_api.globs import PathGlob
from cloud_api.instants import format_column, format_us
from cloud_api.problems import parameter_invalid
from cloud_api.query.values import Int64, read_value
from cloud_api.server_events import LAST_EVENT_ID, Closing, write_event, write_heartbeat, write_retry
from cloud_api.storage.faults import is_passing
from cloud_api.storage.instants import at_us
from cloud_api.storage.journal import set_repeatable_read
from cloud_api.storage.live import LiveRows, select_live_heads, select_live_missed, select_live_samples
from cloud_api.storage.pool import Pool, transaction

HEARTBEAT_S = 15.0
RETRY_MS = 2_000
KEPT_STEPS = 64
MOST_GLOBS = 2_000
# A reader that is so many looks behind gets the last sample of each series instead of all of them.
MOST_BEHIND = 8
# Of one series in one look, or missed by one reader: a live stream is no export.
MOST_SAMPLES = 10_000
# What a resumed reader may have missed is looked for so far back; who was away longer asks the history.
LONGEST_AWAY_US = 3_600_000_000
# Samples are stored a little after they were measured: a resumed reader is given those, too.
LATENESS_US = 600_000_000
_ID = re.compile(r"(\d{1,20}:\d{1,20}:(?:\d{1,20}(?:,\d{1,20}){0,1000})?)@(\d{1,17})", re.ASCII)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Position:
    """What a reader has seen: everything that was committed in this snapshot, taken at that time."""

    snapshot: str
    at_us: int

    def __str__(self) -> str:
        return f"{self.snapshot}@{self.at_us}"


def read_position(text: str | None) -> Position | None:
    """Read a Last-Event-ID; a Problem says what is wrong with it."""
    if not text:
        return None
    match = _ID.fullmatch(text) if len(text) <= 8_000 else None
    if match is None:
        allowed = "the id of an event of this stream, or no such header"
        raise parameter_invalid(LAST_EVENT_ID, text, "is not an id of this stream", allowed)
    return Position(match[1], int(match[2]))


@dataclass(frozen=True, slots=True)
class Step:
    """What one look found; written once for all readers of the same paths."""

    number: int
    position: Position
    rows: LiveRows | None
    written: dict[object, bytes] = field(default_factory=dict[object, bytes])


@dataclass(slots=True)
class Paths:
    """Which series readers of one glob (and one reach) are meant to see; a series is looked at once."""

    glob: PathGlob
    reach: Reach
    known: NDArray[np.int8] = field(default_factory=lambda: np.full(64, -1, np.int8))

    def meant(self, rows: LiveRows) -> NDArray[np.bool_]:
        """Which rows are meant."""
        highest = int(rows.series_ids.max())
        if highest >= len(self.known):
            self.known = np.concatenate((self.known, np.full(highest + 1, -1, np.int8)))
        for index in np.flatnonzero(self.known[rows.series_ids] < 0).tolist():
            path = rows.paths[index]
            self.known[rows.series_ids[index]] = self.glob.matches(path) and self.reach.holds(path)
        return self.known[rows.series_ids] == 1


class LiveFeed:
    """Looks at the database while somebody reads, and keeps the last looks for readers that are a little behind."""

    def __init__(self, find_pool: Callable[[], Pool], closing: Closing, look_s: float = 0.5) -> None:
        self._find_pool = find_pool
        self._closing = closing
        self._look_s = look_s
        self._steps: deque[Step] = deque(maxlen=KEPT_STEPS)
        self._heads: dict[int, int] = {}
        self._paths: dict[tuple[str, tuple[str, ...]], Paths] = {}
        self._looked_s = float("-inf")
        self._looking = asyncio.Lock()

    def paths_of(self, glob: PathGlob, reach: Reach) -> Paths:
        """What readers of this glob and reach share."""
        key = (glob.text, reach.globs)
        if key not in self._paths:
            if len(self._paths) >= MOST_GLOBS:
                self._paths.clear()
            self._paths[key] = Paths(glob, reach)
        return self._paths[key]

    async def newest(self) -> Step:
        """Look now, and begin here."""
        while not self._steps:
            await self._look()
            if not self._steps and await self._closing.wait(self._look_s):
                break
        return self._steps[-1] if self._steps else Step(0, Position("1:1:", 0), None)

    async def after(self, number: int, wait_s: float) -> Sequence[Step]:
        """The looks after this one that found something; nothing when nothing came in time."""
        ends_s = time.monotonic() + wait_s
        while True:
            await self._look()
            steps = [step for step in self._steps if step.number > number]
            left_s = ends_s - time.monotonic()
            if steps or left_s <= 0 or await self._closing.wait(min(self._look_s, left_s)):
                return steps

    async def _look(self) -> None:
        async with self._looking:
            if time.monotonic() - self._looked_s < self._look_s:
                return
            try:
                await self._read()
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("live streams wait for the database: %s", " ".join(str(error).split()))
            self._looked_s = time.monotonic()

    async def _read(self) -> None:
        """One look, in one snapshot: what moved, and every sample that it moved over."""
        async with transaction(self._find_pool()) as connection:
            await set_repeatable_read(connection)
            heads = await select_live_heads(connection)
            ids, times = heads.series_ids, heads.times_us
            # A series that is new to us begins with its latest sample.
            before = np.array(
                [self._heads.get(each, at - 1) for each, at in zip(ids.tolist(), times.tolist(), strict=True)], np.int64
            )
            moved = (times > before) & bool(self._steps)
            rows = None
            if moved.any():
                extent = (before[moved], times[moved])
                rows = await select_live_samples(connection, ids[moved], *extent, MOST_SAMPLES)
        self._heads = dict(zip(ids.tolist(), times.tolist(), strict=True))
        if rows is not None or not self._steps:
            number = self._steps[-1].number + 1 if self._steps else 1
            self._steps.append(Step(number, Position(heads.snapshot, heads.now_us), rows))


class LiveStream:
    """One reader."""

    def __init__(self, pool: Pool, feed: LiveFeed, closing: Closing, paths: Paths, int64: Int64) -> None:
        self._pool = pool
        self._feed = feed
        self._closing = closing
        self._paths = paths
        self._int64 = int64

    async def events(self, seen: Position | None, heartbeat_s: float = HEARTBEAT_S) -> AsyncGenerator[bytes]:
        """Yield the bytes of events: from now on, or after what the reader has seen."""
        yield write_retry(RETRY_MS)
        step = await self._feed.newest()
        yield await self._missed(seen, step) if seen is not None else self._beginning(step)
        while not self._closing.is_set:
            steps = await self._feed.after(step.number, heartbeat_s)
            if not steps:
                yield write_heartbeat()
                continue
            if steps[0].number > step.number + 1:
                # Further behind than looks are kept: what is stored tells.
                yield await self._missed(step.position, steps[-1])
            elif len(steps) > MOST_BEHIND:
                yield self._coalesced(steps)
            else:
                yield b"".join(self._written(each) for each in steps)
            step = steps[-1]

    def _beginning(self, step: Step) -> bytes:
        return write_event("begin", b"{}", str(step.position))

    async def _missed(self, seen: Position, step: Step) -> bytes:
        """What was committed between what the reader has seen and the look from which it goes on."""
        away_us = step.position.at_us - seen.at_us
        if not 0 <= away_us <= LONGEST_AWAY_US:
            data = {"from": format_us(seen.at_us), "to": format_us(step.position.at_us)}
            return write_event("missed", msgspec.json.encode(data), str(step.position))
        async with transaction(self._pool) as connection:
            since = at_us(seen.at_us - LATENESS_US)
            snapshots = (seen.snapshot, step.position.snapshot)
            rows = await select_live_missed(connection, self._paths.glob, snapshots, since, MOST_SAMPLES)
        return self._beginning(step) if rows is None else self._event(rows, step.position, is_skipped=False)

    def _written(self, step: Step) -> bytes:
        key = (self._paths.glob.text, self._paths.reach.globs, self._int64)
        if key not in step.written:
            step.written[key] = b"" if step.rows is None else self._event(step.rows, step.position, is_skipped=False)
        return step.written[key]

    def _coalesced(self, steps: Sequence[Step]) -> bytes:
        """The last sample of each series, for a reader that cannot take them all."""
        kept = [(step, step.rows, _last_of_each(step, steps)) for step in steps if step.rows is not None]
        is_skipped = any(len(places) < len(rows) for _, rows, places in kept)
        return b"".join(
            self._event(rows, step.position, is_skipped=is_skipped, places=places) for step, rows, places in kept
        )

    def _event(
        self, rows: LiveRows, position: Position, *, is_skipped: bool, places: NDArray[np.int64] | None = None
    ) -> bytes:
        meant = self._paths.meant(rows)
        chosen = np.flatnonzero(meant) if places is None else places[meant[places]]
        chosen = chosen[np.argsort(rows.times_us[chosen], kind="stable")]
        if not len(chosen):
            return b""
        times = format_column(rows.times_us[chosen])
        samples = [
            {
                "id": int(rows.series_ids[index]),
                "path": rows.paths[index],
                "time": at,
                "value": read_value(rows.kinds[index], float(rows.values[index]), rows.texts[index], self._int64),
                "status": int(rows.statuses[index]),
            }
            for index, at in zip(chosen.tolist(), times, strict=True)
        ]
        data = {"samples": samples, "skipped": is_skipped}
        return write_event("samples", msgspec.json.encode(data), str(position))


def _last_of_each(step: Step, steps: Sequence[Step]) -> NDArray[np.int64]:
    """The rows of a step that no later row of these steps replaces."""
    assert step.rows is not None
    rows = step.rows
    later = [each.rows.series_ids for each in steps if each.number > step.number and each.rows is not None]
    order = np.lexsort((rows.times_us, rows.series_ids))
    ids = rows.series_ids[order]
    newest = order[np.append(ids[1:] != ids[:-1], True)]
    return newest[~np.isin(rows.series_ids[newest], np.concatenate(later))] if later else newest
