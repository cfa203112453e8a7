"""Replays in the background: bounded in number, time and samples; history is read in slices, beside the event loop."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from cloud_api.alarms.evaluation.plan import Kind, Plan
from cloud_api.alarms.replay.advice import LimitAdvice, WorstRates, advise, look_for_worst, over_for
from cloud_api.alarms.replay.answers import describe_definition
from cloud_api.alarms.replay.comparing import Comparison, Episode, compare, episodes_of
from cloud_api.alarms.replay.models import Against, ReplayState
from cloud_api.alarms.replay.running import Run, carry_on, finish, start
from cloud_api.alarms.replay.subjects import Subject, Window
from cloud_api.auth.reach import Reach
from cloud_api.instants import format_at, format_us
from cloud_api.problems import Kinds, Problem
from cloud_api.storage.alarm_replay import TurnRow, select_journal_episodes
from cloud_api.storage.columns import SampleColumns
from cloud_api.storage.history import select_samples, set_statement_timeout
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Pool, transaction

RUNNING_AT_ONCE = 2
KEPT = 20
TIME_LIMIT_S = 900.0
SLICE_US = 86_400_000_000
SLICE_SAMPLES = 250_000
JOURNAL_ROWS = 200_000
STATEMENT_TIMEOUT_S = 60.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Job:
    """One replay and how far it is."""

    window: Window
    subjects: Sequence[Subject]
    expected: int
    id: UUID = field(default_factory=uuid4)
    state: ReplayState = ReplayState.RUNNING
    samples: int = 0
    done: int = 0
    error: str | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None
    definitions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def progress(self) -> float:
        """Places done, of all; between places by time."""
        places = sum(len({*subject.after, *subject.before}) for subject in self.subjects)
        return 1.0 if self.state is ReplayState.DONE else min(0.999, self.done / max(1, places))

    def show(self) -> dict[str, Any]:
        """Show it as it is now."""
        return {
            "id": str(self.id),
            "state": self.state.value,
            "progress": self.progress,
            "samples": self.samples,
            "error": self.error,
            "from": format_us(self.window.from_us),
            "to": format_us(self.window.to_us),
            "started_at": format_at(self.started_at),
            "ended_at": None if self.ended_at is None else format_at(self.ended_at),
            "definitions": self.definitions,
        }


class ReplayDesk:
    """The replays of this process; old ones are forgotten, and all of them when it ends."""

    def __init__(self) -> None:
        self._jobs: dict[UUID, Job] = {}
        self._reaches: dict[UUID, Reach] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, pool: Pool, job: Job, reach: Reach) -> None:
        """Run a job of a caller of that reach in the background; too many at once are refused."""
        if sum(each.state is ReplayState.RUNNING for each in self._jobs.values()) >= RUNNING_AT_ONCE:
            detail = f"{RUNNING_AT_ONCE} replays are running; wait for one of them"
            raise Problem(Kinds.TOO_MANY_REQUESTS, detail, headers={"Retry-After": "10"})
        self._jobs[job.id], self._reaches[job.id] = job, reach
        for old in list(self._jobs)[:-KEPT]:
            if self._jobs[old].state is not ReplayState.RUNNING:
                del self._jobs[old], self._reaches[old]
        task = asyncio.create_task(_run(pool, job), name="alarm replay")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def find(self, job_id: UUID, reach: Reach) -> Job | None:
        """Find a replay of this process; who has limits finds what was begun with the same."""
        is_there = job_id in self._jobs and (reach.is_whole or reach == self._reaches[job_id])
        return self._jobs[job_id] if is_there else None


async def _run(pool: Pool, job: Job) -> None:
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            for subject in job.subjects:
                job.definitions.append(await _replay(pool, job, subject))
    except TimeoutError:
        job.state, job.error = ReplayState.FAILED, f"it was ended after {TIME_LIMIT_S:g} s; ask for less"
    except Exception as error:
        log.exception("a replay failed")
        job.state, job.error = ReplayState.FAILED, type(error).__name__
    else:
        job.state = ReplayState.DONE
    finally:
        job.ended_at = datetime.now(UTC)


async def _replay(pool: Pool, job: Job, subject: Subject) -> dict[str, Any]:
    """Run every place of one definition through the window, after and before at once."""
    after: list[Episode] = []
    before: list[Episode] = [] if subject.against != Against.JOURNAL else await _journal(pool, job, subject)
    advice: list[LimitAdvice] = []
    respond_s = subject.definition.rationalisation.time_to_respond_s
    for path in sorted({*subject.after, *subject.before}):
        worst = None if respond_s is None else WorstRates(over_for(respond_s))
        plans = [plan for plan in (subject.after.get(path), subject.before.get(path)) if plan is not None]
        ended = await _place(pool, job, plans, worst)
        for plan, episodes in zip(plans, ended, strict=True):
            (after if plan is subject.after.get(path) else before).extend(episodes)
        plan = subject.after.get(path)
        if plan is not None and worst is not None and respond_s is not None:
            advice += advise(plan, worst, respond_s, *subject.ranges.get(path, (None, None)))
        job.done += 1
    comparison: Comparison = await asyncio.to_thread(compare, before, after)
    return describe_definition(subject, comparison, advice, job.window)


async def _place(pool: Pool, job: Job, plans: Sequence[Plan], worst: WorstRates | None) -> list[list[Episode]]:
    """Run the plans of one place; what they read in common is read once."""
    window = job.window
    runs = [start(plan, window.from_us) for plan in plans]
    ids = sorted({series_id for plan in plans for series_id in plan.series_ids})
    position_us = window.from_us
    while position_us < window.to_us:
        end_us = min(position_us + SLICE_US, window.to_us)
        columns, position_us = await _read(pool, ids, position_us, end_us)
        job.samples += sum(len(each) for each in columns.values())
        await asyncio.to_thread(_carry_on, runs, columns, worst)
    return [episodes_of(run.plan.instance, finish(run, window.to_us), window.to_us) for run in runs]


def _carry_on(runs: Sequence[Run], columns: Mapping[int, SampleColumns], worst: WorstRates | None) -> None:
    for run in runs:
        carry_on(run, {series_id: columns[series_id] for series_id in run.plan.series_ids})
    plan = runs[0].plan if runs else None
    if worst is not None and plan is not None and plan.kind is Kind.LIMIT and plan.series_id is not None:
        look_for_worst(worst, columns[plan.series_id])


async def _read(pool: Pool, ids: Sequence[int], from_us: int, end_us: int) -> tuple[dict[int, SampleColumns], int]:
    """Read the next slice of these series; where one has too many samples the slice ends with the last that fit."""
    found: dict[int, SampleColumns] = {}
    async with transaction(pool) as connection:
        await set_statement_timeout(connection, STATEMENT_TIMEOUT_S)
        for series_id in ids:
            found[series_id] = await select_samples(connection, series_id, at_us(from_us), at_us(end_us), SLICE_SAMPLES)
    full = [int(each.times_us[-1]) + 1 for each in found.values() if len(each) == SLICE_SAMPLES]
    if full:
        end_us = min(full)
        found = {
            series_id: each.first(int(np.searchsorted(each.times_us, end_us))) for series_id, each in found.items()
        }
    return found, end_us


async def _journal(pool: Pool, job: Job, subject: Subject) -> list[Episode]:
    """What really happened, by the journal."""
    if subject.stored is None:
        return []
    window = job.window
    async with transaction(pool) as connection:
        turns = await select_journal_episodes(
            connection, subject.stored.id, at_us(window.from_us), at_us(window.to_us), JOURNAL_ROWS
        )
    if len(turns) == JOURNAL_ROWS:
        raise Problem(Kinds.QUERY_TOO_LARGE, f"the journal has more than {JOURNAL_ROWS} rows; ask for a shorter window")
    return _pair(turns, window.to_us)


def _pair(turns: Sequence[TurnRow], to_us: int) -> list[Episode]:
    found: list[Episode] = []
    for turn, following in pairwise([*turns, None]):
        if turn is None or turn.event != "raise":
            continue
        is_same = following is not None and following.path == turn.path
        end_us = us_of(following.at) if is_same and following is not None else to_us
        found.append(Episode(turn.path, us_of(turn.at), end_us))
    return found
