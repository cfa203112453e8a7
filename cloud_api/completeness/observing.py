"""What the stored samples say: how many there are, and between which of them it was silent for too long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cloud_api.completeness.expectation import Expectation
from cloud_api.completeness.judge import Observed
from cloud_api.completeness.stretches import Stretch
from cloud_api.problems import Kinds, Problem
from cloud_api.storage.completeness import PromiseRow, SilenceRow, Walk, select_silences
from cloud_api.storage.history import select_sample_count_capped
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Connection

# Series that may be silent for longer are walked apart, so that they do not make all others' walk begin earlier.
OFTEN_US = 300_000_000
NEVER_US = 2**62


@dataclass(frozen=True, slots=True)
class Watched:
    """One series with what it promises."""

    row: PromiseRow
    expectation: Expectation

    @property
    def limit_us(self) -> int:
        """How long it may be silent."""
        return self.expectation.limit_us or NEVER_US


@dataclass(frozen=True, slots=True)
class Seen:
    """What was observed of a series, and its first sample in what was looked at."""

    observed: Observed
    first_us: int | None


async def observe(
    connection: Connection, watched: Sequence[Watched], window: Stretch, max_samples: int
) -> dict[int, Seen]:
    """Walk over the samples of a window; refused when there are too many."""
    await _check_cost(connection, watched, window, max_samples)
    often = [each for each in watched if each.expectation.limit_us is None or each.limit_us <= OFTEN_US]
    seldom = [each for each in watched if each.expectation.limit_us is not None and each.limit_us > OFTEN_US]
    seen: dict[int, Seen] = {}
    for group in (often, seldom):
        if group:
            seen |= await _walk(connection, group, window)
    return seen


async def _walk(connection: Connection, watched: Sequence[Watched], window: Stretch) -> dict[int, Seen]:
    limits = [each.expectation.limit_us for each in watched if each.expectation.limit_us is not None]
    scan_from = window[0] - max(limits, default=0)
    walk = Walk(
        series_ids=[each.row.id for each in watched],
        limits_us=[min(each.limit_us, NEVER_US // 1000) for each in watched],
        scan_from=at_us(scan_from),
        from_at=at_us(window[0]),
        to_at=at_us(window[1]),
    )
    found = {row.series_id: row for row in await select_silences(connection, walk)}
    edges = (scan_from, window[1])
    return {each.row.id: _seen(found.get(each.row.id), each.limit_us, edges) for each in watched}


def _seen(row: SilenceRow | None, limit_us: int, edges: Stretch) -> Seen:
    if row is None:
        return Seen(Observed(0, [edges], [edges]), None)
    first_us, last_us = us_of(row.first_at), us_of(row.last_at)
    silences = _with_edges(_pairs(row.silent_from, row.silent_to), (first_us, last_us), limit_us, edges)
    if row.first_measured_at is None or row.last_measured_at is None:
        return Seen(Observed(row.received, silences, [edges]), first_us)
    measured_edges = (us_of(row.first_measured_at), us_of(row.last_measured_at))
    unmeasured = _pairs(row.unmeasured_from, row.unmeasured_to)
    return Seen(Observed(row.received, silences, _with_edges(unmeasured, measured_edges, limit_us, edges)), first_us)


def _pairs(lows: Sequence[datetime] | None, highs: Sequence[datetime] | None) -> list[Stretch]:
    return [(us_of(low), us_of(high)) for low, high in zip(lows or (), highs or (), strict=True)]


def _with_edges(silences: list[Stretch], samples: Stretch, limit_us: int, edges: Stretch) -> list[Stretch]:
    before = [(edges[0], samples[0])] if samples[0] - edges[0] > limit_us else []
    after = [(samples[1], edges[1])] if edges[1] - samples[1] > limit_us else []
    return [*before, *silences, *after]


async def _check_cost(connection: Connection, watched: Sequence[Watched], window: Stretch, max_samples: int) -> None:
    """Weigh by scan periods, which are the most that can be; count where a series has none."""
    span_us = window[1] - window[0]
    periods = [each.row.scan_period_s for each in watched]
    if all(periods):
        count = sum(int(span_us / (period * 1e6)) + 1 for period in periods if period)
        if count <= max_samples:
            return
    ids = [each.row.id for each in watched]
    count = await select_sample_count_capped(connection, ids, at_us(window[0]), at_us(window[1]), max_samples + 1)
    if count > max_samples:
        detail = f"it would walk over more than {max_samples} samples; ask for a shorter window or fewer series"
        raise Problem(Kinds.QUERY_TOO_LARGE, detail)
