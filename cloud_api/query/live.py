"""One reader of live samples: resumed from what is stored, coalesced when it is slow."""

from collections.abc import AsyncGenerator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from cloud_api.calculations.live import Live, calculate_all, rows_of
from cloud_api.instants import format_column, format_us
from cloud_api.query.feed import MOST_ROWS, MOST_SAMPLES, LiveFeed, Paths, Step, once
from cloud_api.query.positions import Position
from cloud_api.query.values import Int64, read_value
from cloud_api.server_events import Closing, write_event, write_heartbeat, write_retry
from cloud_api.storage.history import select_sample_count_capped
from cloud_api.storage.instants import at_us
from cloud_api.storage.live import LiveRows, joined_rows, select_live_changed, select_live_missed
from cloud_api.storage.pool import Connection, Pool, transaction

HEARTBEAT_S = 15.0
# A reader that is so many looks behind gets the last sample of each series instead of all of them.
MOST_BEHIND = 8
# What a resumed reader may have missed is looked for so far back; who was away longer asks the history.
LONGEST_AWAY_US = 3_600_000_000
# Samples are stored a little after they were measured: a resumed reader is given those, too.
LATENESS_US = 600_000_000


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
        yield write_retry()
        with self._feed.read_by(self._paths):
            step = await self._feed.newest()
            yield await self._missed(seen, step) if seen is not None else self._beginning(step)
            while not self._closing.is_set:
                steps = await self._feed.after(step.number, heartbeat_s)
                if not steps:
                    yield write_heartbeat()
                    continue
                if steps[0].number > step.number + 1:
                    # Further behind than looks are kept: what is stored tells.
                    yield await self._missed(self._position(step), steps[-1])
                elif len(steps) > MOST_BEHIND:
                    yield self._coalesced(steps)
                else:
                    yield b"".join(self._written(each) for each in steps)
                step = steps[-1]

    def _position(self, step: Step) -> Position:
        """Where this reader stands after a look."""
        return step.position.of(self._paths.calculated(step.generation, step.calculated))

    def _beginning(self, step: Step) -> bytes:
        return write_event("begin", b"{}", str(self._position(step)))

    async def _missed(self, seen: Position, step: Step) -> bytes:
        """What was committed between what the reader has seen and the look from which it goes on.

        Readers of the same paths who have seen the same are told by the same bytes: they may come back all at once.
        """
        away_us = step.position.at_us - seen.at_us
        if not 0 <= away_us <= LONGEST_AWAY_US:
            return self._ask_history(seen, step)
        key = (self._paths.key, self._int64, str(seen), step.position.at_us)
        return await once(step.missed, key, lambda: self._read_missed(seen, step))

    async def _read_missed(self, seen: Position, step: Step) -> bytes:
        since = at_us(seen.at_us - LATENESS_US)
        snapshots = (seen.snapshot, step.position.snapshot)
        async with transaction(self._pool) as connection:
            stored = await select_live_missed(
                connection, self._paths.glob, snapshots, since, (MOST_SAMPLES, MOST_ROWS + 1)
            )
            if stored is not None and len(stored) > MOST_ROWS:
                return self._ask_history(seen, step)
            windows = await self._windows(connection, seen, step)
            if await _is_much(connection, windows):
                return self._ask_history(seen, step)
            made = await calculate_all(connection, windows) if windows else []
        rows = joined_rows(stored, rows_of(made))
        return (b"" if rows is None else self._event(rows, step, is_skipped=False)) or self._beginning(step)

    def _ask_history(self, seen: Position, step: Step) -> bytes:
        """Tell a reader who has missed too much from when to when."""
        data = {"from": format_us(seen.at_us), "to": format_us(step.position.at_us)}
        return write_event("missed", msgspec.json.encode(data), str(self._position(step)))

    async def _windows(self, connection: Connection, seen: Position, step: Step) -> list[tuple[Live, tuple[int, int]]]:
        """What a reader has missed of calculated series: up to where they are, from where it has seen them."""
        ids = self._paths.calculated(step.generation, step.calculated)
        if not ids:
            return []
        inputs = {each for series_id in ids for each in step.calculated[series_id].calculation.formula.series_ids}
        since, snapshots = at_us(seen.at_us - LATENESS_US), (seen.snapshot, step.position.snapshot)
        changed = await select_live_changed(connection, sorted(inputs), snapshots, since)
        windows: list[tuple[Live, tuple[int, int]]] = []
        for series_id in sorted(ids & step.position.shown_us.keys()):
            live, shown_us = step.calculated[series_id], seen.shown(series_id)
            earliest = [changed[each] for each in live.calculation.formula.series_ids if each in changed]
            # An input of an instant that was shown already changes what was shown there.
            from_us = shown_us if earliest and min(earliest) <= shown_us else shown_us + 1
            if from_us <= (until_us := step.position.shown_us[series_id]):
                windows.append((live, (from_us, until_us + 1)))
        return windows

    def _written(self, step: Step) -> bytes:
        key = (self._paths.key, self._int64)
        if key not in step.written:
            step.written[key] = b"" if step.rows is None else self._event(step.rows, step, is_skipped=step.is_skipped)
        return step.written[key]

    def _coalesced(self, steps: Sequence[Step]) -> bytes:
        """The last sample of each series, for a reader that cannot take them all."""
        kept = [(step, step.rows, _last_of_each(step, steps)) for step in steps if step.rows is not None]
        is_skipped = any(step.is_skipped or len(places) < len(rows) for step, rows, places in kept)
        return b"".join(self._event(rows, step, is_skipped=is_skipped, places=places) for step, rows, places in kept)

    def _event(self, rows: LiveRows, step: Step, *, is_skipped: bool, places: NDArray[np.int64] | None = None) -> bytes:
        meant = self._paths.meant(rows, step)
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
        return write_event("samples", msgspec.json.encode(data), str(self._position(step)))


async def _is_much(connection: Connection, windows: Sequence[tuple[Live, tuple[int, int]]]) -> bool:
    """Whether calculating these reads more than a live stream is for."""
    if not windows:
        return False
    ids = sorted({each for live, _ in windows for each in live.calculation.formula.series_ids})
    from_at, to_at = at_us(min(each[0] for _, each in windows)), at_us(max(each[1] for _, each in windows))
    return await select_sample_count_capped(connection, ids, from_at, to_at, MOST_ROWS + 1) > MOST_ROWS


def _last_of_each(step: Step, steps: Sequence[Step]) -> NDArray[np.int64]:
    """The rows of a step that no later row of these steps replaces."""
    assert step.rows is not None
    rows = step.rows
    later = [each.rows.series_ids for each in steps if each.number > step.number and each.rows is not None]
    order = np.lexsort((rows.times_us, rows.series_ids))
    ids = rows.series_ids[order]
    newest = order[np.append(ids[1:] != ids[:-1], True)]
    return newest[~np.isin(rows.series_ids[newest], np.concatenate(later))] if later else newest
