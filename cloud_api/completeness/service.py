"""GET /completeness: read what is known, judge each series, add up."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cloud_api.completeness.causes import Blame, Hole, Reason, tail_hole
from cloud_api.completeness.expectation import Expectation, expect
from cloud_api.completeness.facts import Facts, read_facts
from cloud_api.completeness.judge import Case, Judgement, judge
from cloud_api.completeness.observing import Purse, Seen, Watched, observe
from cloud_api.completeness.stretches import Stretch, length_us, subtract
from cloud_api.problems import Kinds, Problem
from cloud_api.storage.completeness import PromiseFilter, PromiseRow, select_promises
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_rows import Resolution

MAX_SERIES = 20_000
CHUNK = 10_000


class Group(StrEnum):
    """What an item of the answer is."""

    SERIES = "series"
    ASSET = "asset"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Judged:
    """One series with its judgement; `unknown` has the stretch behind the last `until` too."""

    row: PromiseRow
    expectation: Expectation
    judgement: Judgement
    unknown: list[Hole]


@dataclass(slots=True)
class Sums:
    """What series have together; durations in microseconds of one series each."""

    series: int = 0
    expected_us: int = 0
    missing_us: int = 0
    planned_us: int = 0
    unknown_us: int = 0
    expected: int = 0
    received: int = 0
    reasons: dict[tuple[str, Blame | None], tuple[int, int]] = field(
        default_factory=dict[tuple[str, Blame | None], tuple[int, int]]
    )

    @property
    def percent(self) -> float | None:
        """Covered time in percent of expected time."""
        return 100 * (self.expected_us - self.missing_us) / self.expected_us if self.expected_us else None

    def add(self, judged: Judged) -> None:
        """Add one series."""
        found = judged.judgement
        self.series += 1
        self.expected_us += found.expected_us
        self.missing_us += found.missing_us
        self.planned_us += found.planned_us
        self.unknown_us += length_us(hole.stretch for hole in judged.unknown)
        self.expected += found.expected or 0
        self.received += found.received
        for hole in found.holes:
            count, time_us = self.reasons.get((hole.reason, hole.blame), (0, 0))
            self.reasons[hole.reason, hole.blame] = (count + 1, time_us + hole.to_us - hole.from_us)


@dataclass(slots=True)
class Question:
    """What is asked: which series, which window, as of when, and how many samples or rows may be walked over.

    `read` fills up with the rollups that the answer came from.
    """

    promise_filter: PromiseFilter
    window: Stretch
    now_us: int
    purse: Purse
    read: set[Resolution] = field(default_factory=set[Resolution])
    blind_us: int = 0

    @property
    def resolution(self) -> str:
        """The coarsest that was read."""
        return Resolution.QUARTER.value if Resolution.QUARTER in self.read else min(self.read, default="raw")


async def judge_page(connection: Connection, question: Question, after_path: str, limit: int) -> list[Judged]:
    """Judge the series of one page."""
    rows = await select_promises(connection, question.promise_filter, after_path, limit)
    return await _judge_all(connection, question, rows)


async def judge_groups(connection: Connection, question: Question, key: Callable[[PromiseRow], str]) -> dict[str, Sums]:
    """Judge every series of the scope and add up by `key`, in the order of keys."""
    sums: dict[str, Sums] = {}
    count, after = 0, ""
    while rows := await select_promises(connection, question.promise_filter, after, CHUNK):
        count, after = count + len(rows), rows[-1].path
        if count > MAX_SERIES:
            detail = f"more than {MAX_SERIES} series are meant; ask for fewer by `path`, `asset` or `agent`"
            raise Problem(Kinds.QUERY_TOO_LARGE, detail)
        for judged in await _judge_all(connection, question, rows):
            sums.setdefault(key(judged.row), Sums()).add(judged)
    return dict(sorted(sums.items()))


def key_of(group: Group, depth: int | None) -> Callable[[PromiseRow], str]:
    """By what series are added up: their asset, cut to so many levels, or their agent."""
    if group is Group.AGENT:
        return lambda row: row.agent
    return lambda row: "/".join((row.asset or "").split("/")[:depth])


def total(sums: Iterable[Sums]) -> Sums:
    """All of them together."""
    whole = Sums()
    for each in sums:
        for name in ("series", "expected_us", "missing_us", "planned_us", "unknown_us", "expected", "received"):
            setattr(whole, name, getattr(whole, name) + getattr(each, name))
        for key, (count, time_us) in each.reasons.items():
            known = whole.reasons.get(key, (0, 0))
            whole.reasons[key] = (known[0] + count, known[1] + time_us)
    return whole


async def _judge_all(connection: Connection, question: Question, rows: Sequence[PromiseRow]) -> list[Judged]:
    if not rows:
        return []
    watched = [Watched(row, expect(row.scan_period_s, row.deadband, row.max_silence_s)) for row in rows]
    sight = await observe(connection, watched, question.window, question.purse)
    question.blind_us = max(question.blind_us, sight.blind_us)
    if sight.resolution is not None:
        question.read.add(sight.resolution)
    facts = await read_facts(connection, rows, question.window, question.now_us)
    return [_judge_one(each, sight.seen[each.row.id], facts) for each in watched]


def _judge_one(watched: Watched, seen: Seen, facts: Facts) -> Judged:
    row = watched.row
    created_us = us_of(row.created_at)
    case = Case(
        window=facts.window,
        expectation=watched.expectation,
        observed=seen.observed,
        # History that was imported is older than its series.
        born_us=created_us if seen.first_us is None else min(created_us, seen.first_us),
        retired_us=None if row.retired_at is None else us_of(row.retired_at),
        until_us=_until(watched),
        now_us=facts.now_us,
        holes=facts.holes_of(row),
        planned=facts.planned_of(row),
        rejected=facts.rejected_of(row, watched.expectation.interval_us or 0),
        doubtful=facts.doubtful_of(row),
    )
    judgement = judge(case)
    return Judged(row, watched.expectation, judgement, [*judgement.unknown, *_tail(case, judgement, facts, row)])


def _until(watched: Watched) -> int | None:
    """Up to when the source has delivered; one that never says so is believed up to its last due sample."""
    row = watched.row
    if row.until_at is not None:
        return us_of(row.until_at)
    if row.latest_at is not None and watched.expectation.interval_us is not None:
        return us_of(row.latest_at)
    return None


def _tail(case: Case, judgement: Judgement, facts: Facts, row: PromiseRow) -> list[Hole]:
    open_end = judgement.open_end
    if open_end[0] >= open_end[1]:
        return []
    if row.until_at is None:
        return [Hole(*open_end, Reason.SOURCE_SAYS_NOTHING, None)]
    why = tail_hole(open_end, facts.offline_since_us.get(row.agent), facts.outages)
    return [Hole(*piece, why.reason, why.blame) for piece in subtract([open_end], sorted(case.planned))]
