"""What the stored samples say: how many there are, and between which of them it was silent for too long."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cloud_api.completeness.expectation import Expectation, Promise
from cloud_api.completeness.judge import Observed
from cloud_api.completeness.route import Leg, Rolled, plan, resolution_for
from cloud_api.completeness.runs import Ends, Run
from cloud_api.completeness.stretches import Stretch, Stretches, union
from cloud_api.problems import Kinds, Problem
from cloud_api.storage.completeness import (
    InsideRow,
    PromiseRow,
    SilenceRow,
    Walk,
    select_rollup_silences,
    select_rollup_whole,
    select_silences,
    select_silences_inside,
)
from cloud_api.storage.history import select_sample_count_capped
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_marks import select_unrolled
from cloud_api.storage.rollup_progress import select_rollup_progress
from cloud_api.storage.rollup_rows import Resolution

# Series that may be silent for longer are walked apart, so that they do not make all others' walk begin earlier.
OFTEN_US = 300_000_000
NEVER_US = 2**53


@dataclass(frozen=True, slots=True)
class Watched:
    """One series with what it promises."""

    row: PromiseRow
    expectation: Expectation

    @property
    def limit_us(self) -> int:
        """How long it may be silent."""
        return self.expectation.limit_us or NEVER_US

    @property
    def interval_us(self) -> int:
        """After how long each sample is due, where every scan gives one; else never."""
        expectation = self.expectation
        return (expectation.interval_us or NEVER_US) if expectation.promise is Promise.EVERY_SCAN else NEVER_US


@dataclass(frozen=True, slots=True)
class Seen:
    """What was observed of a series, and its first sample in what was looked at."""

    observed: Observed
    first_us: int | None


@dataclass(frozen=True, slots=True)
class Sight:
    """What was observed of all series, and the coarsest rollup that was read (None: raw samples alone).

    `blind_us`: silences shorter than this may be hidden in rows that are coarser than a deadband's silence.
    """

    seen: Mapping[int, Seen]
    resolution: Resolution | None
    blind_us: int


@dataclass(slots=True)
class Purse:
    """How many samples or rows may still be walked over."""

    left: int
    most: int

    def spend(self, count: float) -> None:
        """Refuse what is too much."""
        self.left -= int(count)
        if self.left < 0:
            detail = f"it would walk over more than {self.most} samples; ask for a shorter window or fewer series"
            raise Problem(Kinds.QUERY_TOO_LARGE, detail)


async def observe(connection: Connection, watched: Sequence[Watched], window: Stretch, purse: Purse) -> Sight:
    """Walk over a window, by rollup rows where they are; refused when that is too much."""
    progress = await select_rollup_progress(connection)
    rolled = Rolled(_us(progress.marked_at), _us(progress.raw_kept_at))
    dirty = await _dirty(connection, watched, window) if rolled.until_us is not None else {}
    is_coarse = rolled.until_us is not None and _minutes(watched, window) > purse.left
    groups: dict[tuple[Resolution | None, bool, tuple[Stretch, ...]], list[Watched]] = {}
    for each in watched:
        is_often = each.expectation.limit_us is None or each.limit_us <= OFTEN_US
        fitting = resolution_for(each.expectation)
        resolution = Resolution.QUARTER if is_coarse and fitting is Resolution.MINUTE else fitting
        key = (resolution, is_often, tuple(dirty.get(each.row.id, ())))
        groups.setdefault(key, []).append(each)
    seen: dict[int, Seen] = {}
    read: set[Resolution | None] = set()
    for (resolution, _, cuts), members in groups.items():
        limits = [each.expectation.limit_us for each in members if each.expectation.limit_us is not None]
        scan = (window[0] - max(limits, default=0), window[1])
        legs = plan(scan, window[0], resolution, rolled, cuts)
        read |= {leg.resolution for leg in legs}
        seen |= await _walk(connection, members, (scan, window), legs, purse)
    coarsest = Resolution.QUARTER if Resolution.QUARTER in read else Resolution.MINUTE
    return Sight(seen, coarsest if read - {None} else None, Resolution.QUARTER.width_us if is_coarse else 0)


async def _walk(
    connection: Connection,
    members: Sequence[Watched],
    edges: tuple[Stretch, Stretch],
    legs: Sequence[Leg],
    purse: Purse,
) -> dict[int, Seen]:
    scan, window = edges
    runs: dict[int, Run] = {}
    limits = {each.row.id: each.limit_us for each in members}
    for leg in legs:
        await _check_cost(connection, members, leg, purse)
        walk = Walk(
            series_ids=[each.row.id for each in members],
            limits_us=[each.limit_us for each in members],
            intervals_us=[each.interval_us for each in members],
            scan_from=at_us(leg.stretch[0]),
            from_at=at_us(leg.stretch[0] if leg.resolution else max(leg.stretch[0], window[0])),
            to_at=at_us(leg.stretch[1]),
        )
        found = await (_raw(connection, walk) if leg.resolution is None else _rolled(connection, walk, leg, purse))
        for series_id, run in found.items():
            known = runs.get(series_id)
            runs[series_id] = run if known is None else known.followed_by(run, limits[series_id])
    return {series_id: _seen(runs.get(series_id, Run()), scan, limit_us) for series_id, limit_us in limits.items()}


async def _raw(connection: Connection, walk: Walk) -> dict[int, Run]:
    return {row.series_id: _run(row) for row in await select_silences(connection, walk)}


async def _rolled(connection: Connection, walk: Walk, leg: Leg, purse: Purse) -> dict[int, Run]:
    """Rollup rows, and a closer look at the buckets that have too few samples."""
    assert leg.resolution is not None
    last_us = leg.stretch[1] - leg.resolution.width_us
    runs: dict[int, Run] = {}
    for whole in await select_rollup_whole(connection, leg.resolution, walk):
        ends = Ends(leg.stretch[0] + whole.first_offset_us, last_us + whole.last_offset_us)
        runs[whole.series_id] = Run(whole.received, ends, ends)
    walk = _without(walk, runs.keys())
    rows = await select_rollup_silences(connection, leg.resolution, walk) if walk.series_ids else []
    runs |= {row.series_id: _run(row) for row in rows}
    limits = dict(zip(walk.series_ids, walk.limits_us, strict=True))
    intervals = dict(zip(walk.series_ids, walk.intervals_us, strict=True))
    suspects = [(row.series_id, bucket) for row in rows for bucket in row.suspects or ()]
    if suspects:
        purse.spend(sum(leg.resolution.width_us / intervals[series_id] for series_id, _ in suspects))
        ids, buckets = [each[0] for each in suspects], [each[1] for each in suspects]
        width = timedelta(microseconds=leg.resolution.width_us)
        limits_us = [limits[series_id] for series_id in ids]
        for inside in await select_silences_inside(connection, ids, buckets, limits_us, width):
            runs[inside.series_id] = runs[inside.series_id].with_silences(*_silences(inside))
    return runs


def _minutes(watched: Sequence[Watched], window: Stretch) -> int:
    """How many rows of minutes the series behind a deadband would take."""
    by_minute = sum(resolution_for(each.expectation) is Resolution.MINUTE for each in watched)
    return by_minute * (window[1] - window[0]) // Resolution.MINUTE.width_us


def _without(walk: Walk, done: AbstractSet[int]) -> Walk:
    """The walk over the other series."""
    left = [index for index, series_id in enumerate(walk.series_ids) if series_id not in done]
    names = ("series_ids", "limits_us", "intervals_us")
    columns: dict[str, list[int]] = {name: [getattr(walk, name)[index] for index in left] for name in names}
    return replace(walk, **columns)


async def _dirty(connection: Connection, watched: Sequence[Watched], window: Stretch) -> dict[int, Stretches]:
    """Stretches of series whose rows wait to be rolled again."""
    dirty: dict[int, list[Stretch]] = {}
    for mark in await select_unrolled(connection, [each.row.id for each in watched], *window):
        for series_id in mark.series_ids:
            dirty.setdefault(series_id, []).append((mark.from_us, mark.to_us))
    return {series_id: union(stretches) for series_id, stretches in dirty.items()}


async def _check_cost(connection: Connection, members: Sequence[Watched], leg: Leg, purse: Purse) -> None:
    """Weigh by rows, or by scan periods, which are the most that can be; count where a series has none."""
    span_us = leg.stretch[1] - leg.stretch[0]
    if leg.resolution is not None:
        purse.spend(len(members) * (span_us / leg.resolution.width_us))
        return
    periods = [each.row.scan_period_s for each in members]
    count = sum(span_us / (period * 1e6) + 1 for period in periods if period)
    if not all(periods) or count > purse.left:
        ids = [each.row.id for each in members]
        window = (at_us(leg.stretch[0]), at_us(leg.stretch[1]))
        count = await select_sample_count_capped(connection, ids, *window, purse.left + 1)
    purse.spend(count)


def _run(row: SilenceRow) -> Run:
    silences, unmeasured = _silences(row)
    measured = None
    if row.first_measured_at is not None and row.last_measured_at is not None:
        measured = Ends(us_of(row.first_measured_at), us_of(row.last_measured_at), unmeasured)
    return Run(row.received, Ends(us_of(row.first_at), us_of(row.last_at), silences), measured)


def _silences(row: SilenceRow | InsideRow) -> tuple[Stretches, Stretches]:
    return _pairs(row.silent_from, row.silent_to), _pairs(row.unmeasured_from, row.unmeasured_to)


def _pairs(lows: Iterable[datetime] | None, highs: Iterable[datetime] | None) -> Stretches:
    return [(us_of(low), us_of(high)) for low, high in zip(lows or (), highs or (), strict=True)]


def _seen(run: Run, scan: Stretch, limit_us: int) -> Seen:
    return Seen(run.observed(scan, limit_us), None if run.all is None else run.all.first_us)


def _us(at: datetime | None) -> int | None:
    return None if at is None else us_of(at)
