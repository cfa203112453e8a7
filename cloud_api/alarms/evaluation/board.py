"""Board: thousands of single-series plans beside each other in arrays, so that only loud samples reach the engine.

Nothing here changes before `settle`, which is called after COMMIT: a transaction that fails leaves no trace.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from cloud_api.alarms.evaluation.engine import Change, advance
from cloud_api.alarms.evaluation.plan import Kind
from cloud_api.alarms.evaluation.quiet import quiet_band
from cloud_api.alarms.evaluation.rates import RateRuns, rate_runs
from cloud_api.alarms.evaluation.roster import Entry
from cloud_api.alarms.evaluation.state import Reading, State
from cloud_api.storage.alarm_instances import LatestRow
from cloud_api.storage.ledger import UntilRow
from cloud_api.storage.rows import SampleRows

Source: TypeAlias = tuple[str | None, str | None]

LONG_AGO_US = -(2**62)


class Advanced(NamedTuple):
    """What became of one entry; `is_to_be_kept` says whether the database has to know."""

    place: int
    state: State
    changes: list[Change]
    is_to_be_kept: bool


@dataclass(slots=True)
class Outcome:
    """What a set of samples does, to be settled when it is committed."""

    advanced: list[Advanced] = field(default_factory=list[Advanced])
    # Series of the leader whose samples came late: slot, first and last instant.
    late: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    untils: dict[int, int] = field(default_factory=dict[int, int])
    runs: "Runs | None" = None
    rates: RateRuns | None = None


class Runs(NamedTuple):
    """Samples of one watched series each, as they follow each other in a sorted set."""

    slots: NDArray[np.int64]
    lows: NDArray[np.int64]
    highs: NDArray[np.int64]
    first_us: NDArray[np.int64]
    last_us: NDArray[np.int64]
    # Of the last sample: its number, NaN where it has none that can be used, and its status.
    last_value: NDArray[np.float64]
    last_status: NDArray[np.int32]


class Board:
    """The entries of ingest, in the order of their series."""

    def __init__(
        self,
        entries: Iterable[Entry],
        watched: Mapping[int, Source],
        latest: Mapping[int, LatestRow],
        untils: Mapping[tuple[str, str], int],
    ) -> None:
        self.entries = sorted(entries, key=lambda entry: entry.plan.series_id or 0)
        own = [entry.plan.series_id or 0 for entry in self.entries]
        leaders = set(watched)
        self.series = np.array(sorted({*own, *leaders}), dtype=np.int64)
        count = len(self.series)
        self._lookup = np.full(int(self.series[-1]) + 1 if count else 1, -1, dtype=np.int64)
        self._lookup[self.series] = np.arange(count)
        self.is_leaders = np.isin(self.series, np.array(sorted(leaders), dtype=np.int64))
        self._slot = self._lookup[np.array(own, dtype=np.int64)] if own else np.empty(0, np.int64)
        self._starts = np.searchsorted(self._slot, np.arange(count))
        self._counts = np.searchsorted(self._slot, np.arange(count), side="right") - self._starts
        self._devices: dict[tuple[str, str], int] = {}
        places = [self._device((entry.agent, entry.device)) for entry in self.entries]
        for source in watched.values():
            self._device(source)
        self._device_of = np.array(places, dtype=np.int64)
        self._until = np.full(len(self._devices) + 1, LONG_AGO_US, dtype=np.int64)
        for key, index in self._devices.items():
            self._until[index] = untils.get(key, LONG_AGO_US)
        self._last = np.full(count, LONG_AGO_US, dtype=np.int64)
        # The last usable number of each series, and the last of all; NaN where there is none.
        self._value = np.full(count, np.nan)
        self._newest = np.full(count, np.nan)
        self._status = np.zeros(count, dtype=np.int64)
        self._slot_device = np.full(count, -1, dtype=np.int64)
        self._slot_device[self._slot] = self._device_of
        for series_id, source in watched.items():
            self._slot_device[self._lookup[series_id]] = self._device(source)
        self._take_latest(latest)
        self._make_bands()

    def _device(self, source: Source) -> int:
        """The number of a device; -1, the last of the array, stands for none that is known."""
        agent, device = source
        if agent is None or device is None:
            return -1
        return self._devices.setdefault((agent, device), len(self._devices))

    def _take_latest(self, latest: Mapping[int, LatestRow]) -> None:
        for slot, series_id in enumerate(self.series.tolist()):
            row = latest.get(series_id)
            if row is not None:
                self._last[slot] = row.time_us
                self._newest[slot] = np.nan if row.value is None else row.value
                if row.status < 0x8000_0000 and row.value is not None:
                    self._value[slot] = row.value
                    self._status[slot] = row.status

    def _make_bands(self) -> None:
        count = len(self.entries)
        self._low, self._high = np.empty(count), np.empty(count)
        self._is_bad, self._wake = np.empty(count, dtype=np.bool_), np.empty(count, dtype=np.int64)
        kinds = [entry.plan.kind for entry in self.entries]
        self._by_status = np.array([kind is Kind.BAD_QUALITY for kind in kinds], dtype=np.bool_)
        self._is_rate = np.array([kind is Kind.RATE for kind in kinds], dtype=np.bool_)
        self._over = np.array([entry.plan.over_us for entry in self.entries], dtype=np.int64)
        self._per = np.array([entry.plan.per_us for entry in self.entries], dtype=np.float64)
        self._reference_us = np.full(count, LONG_AGO_US, dtype=np.int64)
        self._reference = np.full(count, np.nan)
        for index, entry in enumerate(self.entries):
            self._set_band(index, entry.state)

    def _set_band(self, index: int, state: State) -> None:
        plan = self.entries[index].plan
        self._low[index], self._high[index], self._is_bad[index], self._wake[index] = quiet_band(plan, state)
        if state.reference is not None and state.reference_us is not None:
            self._reference[index], self._reference_us[index] = state.reference, state.reference_us
        elif self._is_rate[index]:
            self._reference[index], self._reference_us[index] = np.nan, LONG_AGO_US

    def rate_blocks(self) -> list[tuple[int, int, int]]:
        """Entries whose reference has to be looked up: index, series, and where its block begins."""
        found: list[tuple[int, int, int]] = []
        for index in np.flatnonzero(self._is_rate & ~self._is_bad).tolist():
            last, over = int(self._last[self._slot[index]]), int(self._over[index])
            begins = last // over * over
            if last != LONG_AGO_US and self._reference_us[index] < begins:
                found.append((index, self.entries[index].plan.series_id or 0, begins))
        return found

    def set_reference(self, index: int, time_us: int, value: float) -> None:
        """Take over a reference that was looked up."""
        state = self.entries[index].state
        state.reference_us, state.reference = time_us, value
        self._reference_us[index], self._reference[index] = time_us, value

    def advance(self, rows: SampleRows, untils: Sequence[UntilRow], stale_us: int, *, is_late: bool) -> Outcome:
        """Evaluate samples, sorted by series and time, and how far devices were measured.

        `stale_us`: what is older may be behind the leader's cursor.
        """
        outcome = Outcome()
        for row in untils:
            index = self._devices.get((row.agent, row.device))
            if index is not None and row.until_us > self._until[index]:
                outcome.untils[index] = row.until_us
        loud: dict[int, tuple[int, int]] = {}
        if len(rows):
            loud = self._loud(rows, outcome, stale_us, is_late=is_late)
        until = self._until
        if outcome.untils:
            until = until.copy()
            until[list(outcome.untils)] = list(outcome.untils.values())
        waking = np.flatnonzero(self._wake <= until[self._device_of])
        for index in sorted({*loud, *waking.tolist()}):
            low, high = loud.get(index, (0, 0))
            readings = readings_of(rows, low, high)
            until_us = int(until[self._device_of[index]])
            self._advance_one(index, readings, until_us, outcome, is_late=is_late)
        return outcome

    def settle(self, outcome: Outcome) -> None:
        """Take over what was committed."""
        for index, until_us in outcome.untils.items():
            self._until[index] = until_us
        runs = outcome.runs
        if runs is not None:
            is_newer = runs.last_us > self._last[runs.slots]
            self._last[runs.slots[is_newer]] = runs.last_us[is_newer]
            self._newest[runs.slots[is_newer]] = runs.last_value[is_newer]
            is_newer &= ~np.isnan(runs.last_value)
            self._value[runs.slots[is_newer]] = runs.last_value[is_newer]
            self._status[runs.slots[is_newer]] = runs.last_status[is_newer]
        if outcome.rates is not None:
            rates = outcome.rates
            self._reference_us[rates.places], self._reference[rates.places] = rates.reference_us, rates.reference
        for each in outcome.advanced:
            entry = self.entries[each.place]
            entry.state = each.state
            entry.is_begun = entry.is_begun or each.is_to_be_kept
            self._set_band(each.place, each.state)

    def _loud(self, rows: SampleRows, outcome: Outcome, stale_us: int, *, is_late: bool) -> dict[int, tuple[int, int]]:
        """Find the entries that a sample may change, with the rows of their series."""
        runs, every = self._runs(rows)
        if len(runs.slots) == 0:
            return {}
        outcome.runs = runs
        self._note_late(runs, outcome, stale_us, is_late=is_late)
        counts = self._counts[runs.slots]
        run = np.repeat(np.arange(len(runs.slots)), counts)
        if len(run) == 0:
            return {}
        offset = np.arange(len(run)) - np.repeat(np.cumsum(counts) - counts, counts)
        index = self._starts[runs.slots][run] + offset
        is_quiet = self._is_quiet(every, index, run)
        is_quiet &= runs.last_us[run] < self._wake[index]
        slot = runs.slots[run]
        is_quiet &= runs.first_us[run] > np.maximum(self._last[slot], self._until[self._slot_device[slot]])
        is_rate = self._is_rate[index] & is_quiet
        if is_rate.any():
            chosen = np.flatnonzero(is_rate)
            rates = self._rates(rows, runs, index[chosen], run[chosen])
            is_quiet[chosen[rates.is_loud]] = False
            outcome.rates = rates.quiet()
        loud = np.flatnonzero(~is_quiet)
        lows, highs = runs.lows[run[loud]].tolist(), runs.highs[run[loud]].tolist()
        return dict(zip(index[loud].tolist(), zip(lows, highs, strict=True), strict=True))

    def _runs(self, rows: SampleRows) -> tuple[Runs, dict[str, NDArray[Any]]]:
        ids = rows.series_ids
        is_head = np.empty(len(ids), dtype=np.bool_)
        is_head[0] = True
        np.not_equal(ids[1:], ids[:-1], out=is_head[1:])
        lows = np.flatnonzero(is_head)
        highs = np.append(lows[1:], len(ids))
        series = ids[lows].astype(np.int64)
        slots = np.full(len(series), -1, dtype=np.int64)
        is_known = series < len(self._lookup)
        slots[is_known] = self._lookup[series[is_known]]
        is_watched = slots >= 0
        runs = Runs(
            slots[is_watched],
            lows[is_watched],
            highs[is_watched],
            rows.times_us[lows[is_watched]],
            rows.times_us[highs[is_watched] - 1],
            np.where(rows.statuses[highs - 1] < 0, np.nan, rows.values[highs - 1])[is_watched],
            rows.statuses[highs[is_watched] - 1],
        )
        return runs, {} if not is_watched.any() else _qualities(rows, lows, is_watched)

    def _is_quiet(
        self, every: Mapping[str, NDArray[Any]], index: NDArray[np.int64], run: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        by_status = self._by_status[index]
        is_any_bad = np.where(by_status, every["any_bad"][run], every["any_unusable"][run])
        is_all_bad = np.where(by_status, every["all_bad"][run], every["all_unusable"][run])
        # A rate has its own measure, which is looked at later.
        is_free = by_status | self._is_rate[index]
        is_inside = (every["lowest"][run] >= self._low[index]) & (every["highest"][run] <= self._high[index])
        return np.where(self._is_bad[index], is_all_bad, ~is_any_bad & (is_free | is_inside))

    def _rates(self, rows: SampleRows, runs: Runs, index: NDArray[np.int64], run: NDArray[np.int64]) -> RateRuns:
        return rate_runs(
            rows.times_us,
            rows.values,
            (runs.lows[run], runs.highs[run]),
            (index, self._over[index], self._per[index]),
            (self._reference_us[index], self._reference[index]),
            (self._low[index], self._high[index]),
        )

    def _note_late(self, runs: Runs, outcome: Outcome, stale_us: int, *, is_late: bool) -> None:
        known = self._last[runs.slots]
        late = (runs.first_us <= known) | (runs.first_us < stale_us)
        late |= runs.first_us <= self._until[self._slot_device[runs.slots]]
        if is_late:
            late[:] = True
        late &= self.is_leaders[runs.slots]
        for position in np.flatnonzero(late).tolist():
            series_id = int(self.series[runs.slots[position]])
            outcome.late.append((series_id, int(runs.first_us[position]), int(runs.last_us[position])))

    def _advance_one(
        self, index: int, readings: list[Reading], until_us: int, outcome: Outcome, *, is_late: bool
    ) -> None:
        entry, slot = self.entries[index], int(self._slot[index])
        before = self._present(entry, index, slot)
        mark = until_us if until_us != LONG_AGO_US else None
        state, changes = advance(entry.plan, before, readings, mark, is_late=is_late)
        outcome.advanced.append(Advanced(index, state, changes, _is_to_be_kept(entry, state)))

    def _present(self, entry: Entry, index: int, slot: int) -> State:
        """The state with what was quiet since it was last written."""
        last, until = int(self._last[slot]), int(self._until[self._device_of[index]])
        present = msgspec.structs.replace(entry.state)
        if last != LONG_AGO_US:
            present.time_us = last
        if self._by_status[index]:
            newest = float(self._newest[slot])
            present.value = None if math.isnan(newest) else newest
        elif not np.isnan(self._value[slot]) and not present.is_bad:
            present.status = int(self._status[slot]) & 0xFFFF_FFFF
            if not self._is_rate[index]:
                present.value = float(self._value[slot])
        if until != LONG_AGO_US:
            present.until_us = max(until, present.until_us or until)
        if self._is_rate[index]:
            has_reference = self._reference_us[index] != LONG_AGO_US
            present.reference_us = int(self._reference_us[index]) if has_reference else None
            present.reference = float(self._reference[index]) if has_reference else None
        return present


def readings_of(rows: SampleRows, low: int, high: int) -> list[Reading]:
    """Rows of one series as the engine takes them."""
    if low == high:
        return []
    texts = [None] * (high - low) if rows.texts is None else rows.texts[low:high].tolist()
    columns = zip(
        rows.times_us[low:high].tolist(),
        rows.values[low:high].tolist(),
        rows.statuses[low:high].view(np.uint32).tolist(),
        texts,
        strict=True,
    )
    return [
        Reading(time_us, None if math.isnan(value) else value, status, text) for time_us, value, status, text in columns
    ]


def _qualities(rows: SampleRows, lows: NDArray[np.int64], is_watched: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """Of every watched run: its lowest and highest value, and whether samples are Bad or have no number."""
    is_bad = rows.statuses < 0
    is_unusable = is_bad | np.isnan(rows.values)
    return {
        "lowest": np.fmin.reduceat(rows.values, lows)[is_watched],
        "highest": np.fmax.reduceat(rows.values, lows)[is_watched],
        "any_bad": np.logical_or.reduceat(is_bad, lows)[is_watched],
        "all_bad": np.logical_and.reduceat(is_bad, lows)[is_watched],
        "any_unusable": np.logical_or.reduceat(is_unusable, lows)[is_watched],
        "all_unusable": np.logical_and.reduceat(is_unusable, lows)[is_watched],
    }


def _is_to_be_kept(entry: Entry, state: State) -> bool:
    """What the newest sample says is in the database by itself; everything else has to be written down."""
    old = entry.state
    return (
        not entry.is_begun
        or old.memories != state.memories
        or old.is_bad != state.is_bad
        or old.recent != state.recent
        or old.late != state.late
    )
