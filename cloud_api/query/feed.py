"""Live samples for many readers: one look at the database for all of them, no LISTEN."""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cloud_api.auth.reach import Reach
from cloud_api.calculations.live import Live, LiveCalculations, Moved
from cloud_api.globs import PathGlob
from cloud_api.query.positions import Position
from cloud_api.server_events import Closing
from cloud_api.storage.faults import is_passing
from cloud_api.storage.journal import set_repeatable_read
from cloud_api.storage.live import Heads, LiveRows, joined_rows, select_live_heads, select_live_samples
from cloud_api.storage.pool import Connection, Pool, transaction

KEPT_STEPS = 64
MOST_GLOBS = 2_000
# Of one series in one look, or missed by one reader: a live stream is no export.
MOST_SAMPLES = 10_000
# Of all series in one look: where more has come, each series is shown from its newest samples alone.
MOST_ROWS = 200_000
# Where nobody has looked for so long, looking begins anew, and readers ask for what they have missed.
STALE_S = 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """What one look found; written once for all readers of the same paths, and so is what led up to it."""

    number: int
    position: Position
    rows: LiveRows | None
    # By series, what was calculated on the fly then.
    calculated: Mapping[int, Live]
    generation: int
    is_skipped: bool = False
    written: dict[object, bytes] = field(default_factory=dict[object, bytes])
    missed: dict[object, asyncio.Future[bytes]] = field(default_factory=dict[object, asyncio.Future[bytes]])


@dataclass(slots=True)
class Paths:
    """Which series readers of one glob (and one reach) are meant to see; a series is looked at once in a generation."""

    glob: PathGlob
    reach: Reach
    known: NDArray[np.int8] = field(default_factory=lambda: np.full(64, -1, np.int8))
    generation: int | None = None
    _calculated: tuple[int, frozenset[int]] = (-1, frozenset())

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What tells them from others."""
        return self.glob.text, self.reach.globs

    def meant(self, rows: LiveRows, step: Step) -> NDArray[np.bool_]:
        """Which rows are meant."""
        if self.generation != step.generation:
            # Somebody has renamed a series or moved an asset: another path may be meant, or not any more.
            self.known.fill(-1)
            self.generation = step.generation
        highest = int(rows.series_ids.max())
        if highest >= len(self.known):
            self.known = np.concatenate((self.known, np.full(highest + 1, -1, np.int8)))
        for index in np.flatnonzero(self.known[rows.series_ids] < 0).tolist():
            series_id, path = int(rows.series_ids[index]), rows.paths[index]
            live = step.calculated.get(series_id)
            self.known[series_id] = self.holds(path) if live is None else self.shows(live)
        return self.known[rows.series_ids] == 1

    def holds(self, path: str) -> bool:
        """Say whether a stored series is meant."""
        return self.glob.matches(path) and self.reach.holds(path)

    def shows(self, live: Live) -> bool:
        """Say whether a calculated series is meant: it shows its inputs, so all of them must be in reach."""
        return self.holds(live.path) and all(self.reach.holds(path) for path in live.input_paths)

    def calculated(self, generation: int, known: Mapping[int, Live]) -> frozenset[int]:
        """Which of these calculated series are meant."""
        if self._calculated[0] != generation:
            self._calculated = generation, frozenset(each for each, live in known.items() if self.shows(live))
        return self._calculated[1]


class LiveFeed:
    """Looks at the database while somebody reads, and keeps the last looks for readers that are a little behind."""

    def __init__(
        self, find_pool: Callable[[], Pool], closing: Closing, look_s: float = 0.5, stale_s: float = STALE_S
    ) -> None:
        self._find_pool = find_pool
        self._closing = closing
        self._look_s, self._stale_s = look_s, stale_s
        self._steps: deque[Step] = deque(maxlen=KEPT_STEPS)
        self._number = 0
        self._heads: dict[int, int] = {}
        self._calculations = LiveCalculations()
        self._paths: dict[tuple[str, tuple[str, ...]], Paths] = {}
        self._reading: Counter[tuple[str, tuple[str, ...]]] = Counter()
        # What is calculated for readers, and the generation it was found out for.
        self._read_ids: tuple[int, frozenset[int]] | None = None
        self._looked_s = self._found_s = float("-inf")
        self._looking = asyncio.Lock()

    def paths_of(self, glob: PathGlob, reach: Reach) -> Paths:
        """What readers of this glob and reach share."""
        key = (glob.text, reach.globs)
        if key not in self._paths:
            if len(self._paths) >= MOST_GLOBS:
                self._paths = {each: paths for each, paths in self._paths.items() if each in self._reading}
            self._paths[key] = Paths(glob, reach)
        return self._paths[key]

    @contextmanager
    def read_by(self, paths: Paths) -> Generator[None]:
        """Say that somebody reads these: only for readers something is calculated."""
        self._paths.setdefault(paths.key, paths)
        self._reading[paths.key] += 1
        self._read_ids = None
        try:
            yield
        finally:
            self._reading[paths.key] -= 1
            if not self._reading[paths.key]:
                del self._reading[paths.key]
                self._read_ids = None

    async def newest(self) -> Step:
        """Look now, and begin here."""
        await self._look()
        while not self._steps:
            if await self._closing.wait(self._look_s):
                return Step(0, Position("1:1:", 0), None, {}, 0)
            await self._look()
        return self._steps[-1]

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
            now_s = time.monotonic()
            if now_s - self._looked_s < self._look_s:
                return
            if now_s - self._found_s > self._stale_s:
                self._begin_anew()
            try:
                await self._read()
                self._found_s = time.monotonic()
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("live streams wait for the database: %s", " ".join(str(error).split()))
            self._looked_s = time.monotonic()

    def _begin_anew(self) -> None:
        """Nobody looked for long: what was stored meanwhile is not for those who begin now, and may be much."""
        self._steps.clear()
        self._heads = {}
        self._calculations.forget()
        # A number is left out, so that readers who are there still find that they have missed something.
        self._number += 1

    async def _read(self) -> None:
        """One look, in one snapshot: what moved, and every sample that it moved over."""
        async with transaction(self._find_pool()) as connection:
            await set_repeatable_read(connection)
            heads = await select_live_heads(connection)
            heads_us = dict(zip(heads.series_ids.tolist(), heads.times_us.tolist(), strict=True))
            stored, is_skipped = await self._stored(connection, heads)
            earliest = {} if stored is None else stored.earliest()
            moved = Moved(heads.generation, heads.now_us, self._heads, heads_us, earliest)
            made = await self._calculations.look(connection, moved, lambda: self._wanted(heads.generation))
        self._heads = heads_us
        position = Position(heads.snapshot, heads.now_us, dict(self._calculations.shown_us))
        rows = joined_rows(stored, made)
        if rows is None and self._steps:
            # Who begins now begins here; who was here has seen the same.
            self._steps[-1] = replace(self._steps[-1], position=position)
            return
        self._number += 1
        step = Step(self._number, position, rows, self._calculations.known, heads.generation, is_skipped)
        self._steps.append(step)

    async def _stored(self, connection: Connection, heads: Heads) -> tuple[LiveRows | None, bool]:
        """The samples that have come since the last look, and whether some of them were left out."""
        ids, times = heads.series_ids, heads.times_us
        # A series that is new to us begins with its latest sample.
        before = np.array(
            [self._heads.get(each, at - 1) for each, at in zip(ids.tolist(), times.tolist(), strict=True)], np.int64
        )
        moved = (times > before) & bool(self._steps)
        if not moved.any():
            return None, False
        most = min(MOST_SAMPLES, max(1, MOST_ROWS // int(moved.sum())))
        rows = await select_live_samples(connection, ids[moved], before[moved], times[moved], most)
        return rows, rows is not None and bool((np.unique(rows.series_ids, return_counts=True)[1] >= most).any())

    def _wanted(self, generation: int) -> frozenset[int]:
        """The calculated series that somebody reads."""
        if self._read_ids is None or self._read_ids[0] != generation:
            known = self._calculations.known
            of_each = [self._paths[key].calculated(generation, known) for key in self._reading]
            self._read_ids = generation, frozenset[int]().union(*of_each)
        return self._read_ids[1]


async def once(made: dict[object, asyncio.Future[bytes]], key: object, make: Callable[[], Awaitable[bytes]]) -> bytes:
    """Make something for whoever asks first, and let the others wait for the same."""
    found = made.get(key)
    if found is None:
        found = made[key] = asyncio.ensure_future(make())
        # Nobody may be left to hear of it.
        found.add_done_callback(lambda each: each.cancelled() or each.exception())
    try:
        # Who leaves does not take it from the others.
        return await asyncio.shield(found)
    except Exception:
        made.pop(key, None)
        raise
