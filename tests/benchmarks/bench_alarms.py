"""What alarms cost ingest: CPU of the process for the same samples with 20,000 watched series and without a definition.

Batches go into the lane as the subscriber hands them over; the database's own CPU is not counted, the broker's neither.
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack

import numpy as np

from cloud_api.alarms.definitions import service
from cloud_api.alarms.definitions.instances import Actor
from cloud_api.alarms.definitions.models import Definition
from cloud_api.alarms.evaluation.inline import InlineEvaluation
from cloud_api.storage.pool import transaction
from schemas.batch import Batch, Column, encode
from schemas.sample import Kind
from tests.benchmarks.report import Row
from tests.fixtures.database import make_postgres
from tests.integration.ingest.conftest import Rig, running_rig

AGENTS = 10
TAGS = 2_000
SECONDS = 20
WINDOWS = 3
# Alarms that are raised every second, and cleared in the next: more than any operator can follow.
RAISED = 5


def run() -> list[Row]:
    """Measure on the embedded PostgreSQL."""
    server, remove = make_postgres()
    try:
        url = server.url(server.create_database())
        rounds = asyncio.run(_measure(url))
    finally:
        remove()
    without, watched, changes = (float(np.median([each[at] for each in rounds])) for at in range(3))
    share = (watched - without) / without
    return [
        Row("ingest without definitions", without * 1e6, "us/sample"),
        Row("same, 20,000 watched series", watched * 1e6, "us/sample", without * 1e6, watched / without),
        Row("what alarms add, share of ingest", share, "", None, None, "<= 0.3"),
        Row("changes of alarms meanwhile", changes, "1/s"),
    ]


async def _measure(url: str) -> list[tuple[float, float, float]]:
    """CPU seconds a sample without and with definitions, in turn; the first round is not counted."""
    found: list[tuple[float, float, float]] = []
    async with AsyncExitStack() as stack:
        rig = await stack.enter_async_context(running_rig(url, evaluate=None))
        clock_us = time.time_ns() // 1000 - 3_600_000_000
        await _feed(rig, _payloads(clock_us, 1))
        await _define(rig)
    for _ in range(WINDOWS + 1):
        figures: list[float] = []
        changes = 0
        for evaluate in (None, InlineEvaluation()):
            clock_us += 100_000_000
            payloads = _payloads(clock_us, SECONDS)
            async with running_rig(url, evaluate=evaluate) as rig:
                # What is read once, at the start, is not what a second costs.
                await _feed(rig, _payloads(clock_us - 10_000_000, 2))
                before = await _changes(rig)
                started = time.process_time()
                await _feed(rig, payloads)
                figures.append((time.process_time() - started) / (AGENTS * TAGS * SECONDS))
                changes = await _changes(rig) - before
        found.append((figures[0], figures[1], changes / SECONDS))
    return found[1:]


async def _define(rig: Rig) -> None:
    wanted = [
        Definition.model_validate(
            {
                "name": f"hall {agent} hot",
                "target": {"path": f"hall-{agent}/**"},
                "condition": {"kind": "limit", "hi": {"limit": 90}, "lo": {"limit": 10}, "deadband": 2},
            }
        )
        for agent in range(AGENTS)
    ]
    async with transaction(rig.pool) as connection:
        await service.apply(connection, wanted, Actor("bench", time.time_ns() // 1000), is_pruning=False)


async def _feed(rig: Rig, payloads: Sequence[tuple[str, bytes]]) -> None:
    await asyncio.gather(*(rig.offer(payload, agent) for agent, payload in payloads))


def _payloads(start_us: int, seconds: int) -> list[tuple[str, bytes]]:
    """A batch a second of each agent, all of its tags in it."""
    random = np.random.default_rng(start_us)
    epochs = [uuid.uuid4().bytes for _ in range(AGENTS)]
    indices = list(range(TAGS))
    found: list[tuple[str, bytes]] = []
    for second in range(seconds):
        values = np.round(random.normal(50, 5, (AGENTS, TAGS)), 2)
        values[random.integers(0, AGENTS, RAISED), random.integers(0, TAGS, RAISED)] = 95.0
        for agent in range(AGENTS):
            at = start_us + second * 1_000_000 + agent
            column = Column(Kind.F64, indices, [at] * TAGS, None, values[agent].tolist())
            tags = tuple(f"hall-{agent}/press-{tag // 20}/tag-{tag}" for tag in indices)
            batch = Batch(f"gw-{agent}", epochs[agent], second + 1, at, tags=tags, columns=(column,), until={"d": at})
            found.append((f"gw-{agent}", encode(batch)))
    return found


async def _changes(rig: Rig) -> int:
    ((count,),) = await rig.rows("select count(*) from alarm_journal where event in ('raise', 'clear')")
    return int(count)
