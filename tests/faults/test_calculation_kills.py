"""Ingest and the leader of calculations die at any line, over and over; what is stored is what the inputs give.

MILLSTREAM_CALCULATION_RUNS=500 plays as many seeds (`make soak` does), MILLSTREAM_CALCULATION_SEED the first of them.
"""

import os
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest

from cloud_api.calculations.formula import evaluate, make_formula
from cloud_api.expressions.language import parse
from cloud_api.storage.columns import SampleColumns
from cloud_api.storage.migrate import migrate
from tests.faults.alarm_work import T0
from tests.faults.calculation_work import EXPRESSIONS
from tests.faults.children import Zygote
from tests.fixtures.database import PostgresServer

RUNS = int(os.environ.get("MILLSTREAM_CALCULATION_RUNS") or "5")
FIRST_SEED = int(os.environ.get("MILLSTREAM_CALCULATION_SEED") or "1")
KILLS = 5
LINES = (30, 40_000)


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    found = Zygote("tests.faults.calculation_work")
    yield found
    found.end()


def test_deaths_at_any_line_leave_what_the_inputs_give(killable_postgres: PostgresServer, zygote: Zygote) -> None:
    template = killable_postgres.create_database()
    migrate(killable_postgres.url(template))
    zygote.run(killable_postgres.url(template), 0, prepare=True)
    killed = rows = 0
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        name = killable_postgres.create_database(template)
        url = killable_postgres.url(name)
        dice = random.Random(f"kills {seed}")
        for _ in range(KILLS):
            lines = int(LINES[0] * (LINES[1] / LINES[0]) ** dice.random())
            killed += zygote.run(url, seed, lines)
        assert not zygote.run(url, seed)
        rows += judge(url, f"MILLSTREAM_CALCULATION_SEED={seed} MILLSTREAM_CALCULATION_RUNS=1 repeats this")
        killable_postgres.drop_database(name)
    print(f"{RUNS} seeds, {killed} of {RUNS * KILLS} children killed, {rows} results as they must be")
    assert killed > RUNS
    assert rows > 100 * RUNS


def judge(url: str, hint: str) -> int:
    """Every result up to its cursor is what the whole of its inputs gives; how many there are."""
    with psycopg.connect(url) as connection:
        ids = dict(connection.execute("select path, id from series").fetchall())
        samples = {series_id: stored(connection, series_id) for series_id in ids.values()}
        cursors = dict(
            connection.execute(
                "select series_id, (extract(epoch from evaluated_at) * 1000000)::bigint"
                " from calculation join calculation_progress on calculation_id = id"
            ).fetchall()
        )
        assert connection.execute("select count(*) from calculation_dirty").fetchone() == (0,), hint
    count = 0
    for path, text in EXPRESSIONS.items():
        formula = make_formula(parse(text), ids, {})
        made = evaluate(formula, samples, T0 + 1, int(cursors[ids[path]]) + 1)
        found = samples[ids[path]]
        assert found.times_us.tolist() == made.times_us.tolist(), (path, hint)
        assert found.statuses.tolist() == made.statuses.tolist(), (path, hint)
        assert np.array_equal(found.values, made.values, equal_nan=True), (path, hint)
        count += len(made)
    return count


def stored(connection: psycopg.Connection[Any], series_id: int) -> SampleColumns:
    """All samples of a series."""
    rows = connection.execute(
        "select (extract(epoch from time) * 1000000)::bigint, value, status from sample"
        " where series_id = %s order by time",
        (series_id,),
    ).fetchall()
    return SampleColumns(
        np.array([row[0] for row in rows], np.int64),
        np.array([np.nan if row[1] is None else row[1] for row in rows], np.float64),
        np.array([row[2] for row in rows], np.int32).view(np.uint32),
        None,
    )
