"""One series over one window: how much time is covered, which stretches are missing, what is not known (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_api.completeness.causes import Blame, Hole, Reason
from cloud_api.completeness.expectation import Expectation, Promise
from cloud_api.completeness.stretches import Stretch, Stretches, clip, intersect, length_us, subtract, union


@dataclass(frozen=True, slots=True)
class Observed:
    """What was found of a series: samples in the window, and its silences as (sample before, sample after).

    Before the first sample and after the last one a silence is bounded by the edge of what was looked at. `measured`
    are the silences between samples that are not Bad: a lost device leaves a Bad one at each attempt.
    """

    received: int = 0
    silences: Sequence[Stretch] = ()
    measured: Sequence[Stretch] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of one series before it is judged; instants in microseconds."""

    window: Stretch
    expectation: Expectation
    observed: Observed
    # From when on the series was there, and when it was retired.
    born_us: int
    retired_us: int | None
    # Up to when its source says that everything was delivered; None when it never said so.
    until_us: int | None
    now_us: int
    holes: Sequence[Hole] = ()
    planned: Sequence[Stretch] = ()
    rejected: Sequence[Stretch] = ()
    # When batches were made that have not arrived yet.
    doubtful: Sequence[Stretch] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What can be said. `expected_us` is known time that was not planned, `missing_us` the part of it in holes."""

    known: Stretch
    open_end: Stretch
    expected_us: int
    missing_us: int
    planned_us: int
    expected: int | None
    received: int
    holes: list[Hole]
    unknown: list[Hole]
    planned: Stretches

    @property
    def percent(self) -> float | None:
        """Covered time in percent of expected time; None when nothing is known."""
        return 100 * (self.expected_us - self.missing_us) / self.expected_us if self.expected_us else None


def judge(case: Case) -> Judgement:
    """Judge one series: time after `until` is not known, planned time not expected, the rest is covered or a hole."""
    known, open_end = _known(case)
    if not (case.observed.silences or case.holes or case.planned):
        return _complete(case, known, open_end)
    planned = clip(union(case.planned), known)
    judged = subtract([known] if known[0] < known[1] else [], planned)
    holes = _declared(case, judged)
    silent = subtract(clip(union(_due(case)), known), union([*planned, *(hole.stretch for hole in holes)]))
    silent = _noticeable(silent, case.expectation)
    doubtful = intersect(silent, case.doubtful)
    unknown = [Hole(*stretch, Reason.IN_OUTBOX, None) for stretch in doubtful]
    silent = subtract(silent, doubtful)
    rejected = intersect(silent, case.rejected)
    holes += [Hole(*stretch, Reason.REJECTED, Blame.AGENT) for stretch in rejected]
    holes += [Hole(*stretch, Reason.NOT_REPORTED, None) for stretch in subtract(silent, rejected)]
    expected_us = length_us(judged) - length_us(doubtful)
    return Judgement(
        known=known,
        open_end=open_end,
        expected_us=expected_us,
        missing_us=length_us(hole.stretch for hole in holes),
        planned_us=length_us(planned),
        expected=case.expectation.expected(expected_us),
        received=case.observed.received,
        holes=sorted(holes, key=lambda hole: hole.from_us),
        unknown=unknown,
        planned=planned,
    )


def _complete(case: Case, known: Stretch, open_end: Stretch) -> Judgement:
    """Most series are: nothing was silent, declared missing or planned."""
    expected_us = max(0, known[1] - known[0])
    expected = case.expectation.expected(expected_us)
    return Judgement(known, open_end, expected_us, 0, 0, expected, case.observed.received, [], [], [])


def _known(case: Case) -> tuple[Stretch, Stretch]:
    """The stretch that can be judged, and the one behind it of which nothing is known yet."""
    start = max(case.window[0], case.born_us)
    end = min(case.window[1], case.now_us, case.retired_us if case.retired_us is not None else case.now_us)
    until = start if case.until_us is None else min(max(case.until_us, start), max(end, start))
    return (start, until), (until, max(end, until))


def _declared(case: Case, judged: Stretches) -> list[Hole]:
    """Declared gaps; where every scan gives a sample, without what was filled in afterwards."""
    is_by_scan = case.expectation.promise is Promise.EVERY_SCAN
    empty = union(case.observed.measured) if is_by_scan else None
    holes: list[Hole] = []
    for hole in case.holes:
        pieces = clip(judged, hole.stretch)
        if empty is not None:
            pieces = intersect(pieces, empty)
        holes += [Hole(*piece, hole.reason, hole.blame) for piece in pieces]
    return holes


def _due(case: Case) -> Stretches:
    """From when the next sample was due to when it came."""
    interval_us = case.expectation.interval_us
    if interval_us is None:
        return []
    return [(before + interval_us, after) for before, after in case.observed.silences]


def _noticeable(silent: Stretches, expectation: Expectation) -> Stretches:
    """What is left of a silence beside declared gaps counts when a whole sample fits in, but for jitter."""
    interval_us = expectation.interval_us
    if interval_us is None:
        return []
    slack_us = (expectation.limit_us or interval_us) - interval_us
    return [stretch for stretch in silent if stretch[1] - stretch[0] > slack_us]
