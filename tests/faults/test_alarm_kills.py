"""Ingest and the alarm leader die at any line, over and over; the journal is what the engine says of the samples.

MILLSTREAM_ALARM_RUNS=2000 plays as many seeds (`make soak` does), MILLSTREAM_ALARM_SEED the first of them.
"""

import os
import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from cloud_api.alarms.evaluation.engine import advance, begin_watch, new_state
from cloud_api.alarms.evaluation.joint import joint_readings
from cloud_api.alarms.evaluation.plan import Plan
from cloud_api.alarms.evaluation.roster import decode_plan
from cloud_api.alarms.evaluation.state import Reading
from cloud_api.storage.migrate import migrate
from tests.faults.alarm_work import T0
from tests.faults.children import Zygote
from tests.fixtures.database import PostgresServer

RUNS = int(os.environ.get("MILLSTREAM_ALARM_RUNS") or "10")
FIRST_SEED = int(os.environ.get("MILLSTREAM_ALARM_SEED") or "1")
KILLS = 5
# Lines of ours until the end; a whole run has some ten thousands of them.
LINES = (30, 25_000)

Row = tuple[str, str, int, str | None, float | None]


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    found = Zygote("tests.faults.alarm_work")
    yield found
    found.end()


def test_deaths_at_any_line_lose_and_double_nothing(killable_postgres: PostgresServer, zygote: Zygote) -> None:
    template = killable_postgres.create_database()
    migrate(killable_postgres.url(template))
    zygote.run(killable_postgres.url(template), 0, prepare=True)
    killed = told = 0
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        name = killable_postgres.create_database(template)
        url = killable_postgres.url(name)
        dice = random.Random(f"kills {seed}")
        for _ in range(KILLS):
            lines = int(LINES[0] * (LINES[1] / LINES[0]) ** dice.random())
            killed += zygote.run(url, seed, lines)
        assert not zygote.run(url, seed)
        with psycopg.connect(url) as connection:
            journal, expected = written(connection), replayed(connection)
        assert journal == expected, f"MILLSTREAM_ALARM_SEED={seed} MILLSTREAM_ALARM_RUNS=1 repeats this"
        told += len(journal)
        killable_postgres.drop_database(name)
    print(f"{RUNS} seeds, {killed} of {RUNS * KILLS} children killed, {told} changes told once each")
    assert killed > RUNS
    assert told > 10 * RUNS


def written(connection: psycopg.Connection[Any]) -> list[Row]:
    """What the journal says happened, by alarm and time."""
    rows = connection.execute(
        "select name, event, (extract(epoch from at) * 1000000)::bigint, level, value from alarm_journal"
        " where event in ('raise', 'clear', 'level') and not is_late order by name, at, id"
    ).fetchall()
    late = connection.execute("select count(*) from alarm_journal where is_late").fetchone()
    assert late == (0,), "nothing came late"
    return [(row[0], row[1], int(row[2]), row[3], row[4]) for row in rows]


def replayed(connection: psycopg.Connection[Any]) -> list[Row]:
    """What the pure engine says of the stored samples."""
    samples: dict[int, list[Reading]] = {}
    for series_id, at_us, value, status, text in connection.execute(
        "select series_id, (extract(epoch from time) * 1000000)::bigint, value, status, text from sample order by 1, 2"
    ):
        samples.setdefault(series_id, []).append(Reading(int(at_us), value, status & 0xFFFFFFFF, text))
    untils = dict(
        connection.execute(
            "select device, (extract(epoch from until_at) * 1000000)::bigint from agent_until"
        ).fetchall()
    )
    devices = dict(connection.execute("select id, device from series").fetchall())
    rows: list[Row] = []
    for (text,) in connection.execute("select plan::text from alarm_instance where plan is not null"):
        plan = decode_plan(text)
        until_us = min(int(untils[devices[each]]) for each in plan.series_ids)
        rows += _replay(plan, samples, until_us)
    return sorted(rows, key=lambda row: (row[0], row[2]))


def _replay(plan: Plan, samples: dict[int, list[Reading]], until_us: int) -> list[Row]:
    upto = {each: [r for r in samples.get(each, []) if r.time_us <= until_us] for each in plan.series_ids}
    if len(plan.series_ids) == 1 and plan.owner.value == "ingest":
        upto = {each: samples.get(each, []) for each in plan.series_ids}
    state = begin_watch(plan, new_state(plan), T0)
    readings = joint_readings(plan, {}, upto, {})
    changes = advance(plan, state, readings, until_us).changes
    return [(plan.name, each.kind.value, each.at_us, plan.levels[each.level].name, each.value) for each in changes]
