"""All samples of a window by a query: on two connections at once, of one moment, the same as on one."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from psycopg.errors import QueryCanceled

from cloud_api.query import stretches
from cloud_api.query.buckets import Window
from cloud_api.query.raw import Reader, read_all
from cloud_api.storage.catalog import SeriesRow, select_series
from cloud_api.storage.history import set_statement_timeout
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import Pool, open_pool, reading
from cloud_api.storage.reach import reached_pool
from cloud_api.storage.snapshots import set_snapshot
from tests.integration.api.service import BAD, GOOD, Api, Row, at, serve_api, shown

WINDOW = Window(us_of(at()), us_of(at(40)))
PLENTY = 1_000


@pytest.fixture(autouse=True)
def _halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "HALVED_ROWS", (20, 60))


async def filled(api: Api, path: str, kind: str = "f64") -> int:
    """Forty seconds: numbers, texts, Bad ones without a value, in both halves."""
    series_id = await api.fill.series(path, kind)
    rows: list[Row] = [(at(index), index / 4, str(index) if index % 7 == 0 else None, GOOD) for index in range(40)]
    rows[3], rows[33] = (at(3), None, None, BAD), (at(33), None, "35", BAD)
    await api.fill.samples(series_id, rows)
    return series_id


@asynccontextmanager
async def snapshot(pool: Pool, series_id: int) -> AsyncGenerator[tuple[Reader, SeriesRow]]:
    """A transaction that sees one moment."""
    async with reading(pool) as connection:
        await set_snapshot(connection)
        row = await select_series(connection, series_id)
        assert row is not None
        yield Reader(connection, 10.0, pool), row


async def in_time(pool: Pool, series_id: int, timeout_s: float) -> None:
    async with snapshot(pool, series_id) as (reader, row):
        await set_statement_timeout(reader.connection, timeout_s)
        await read_all(Reader(reader.connection, timeout_s, pool), [row], WINDOW, PLENTY)


def taken(pool: Pool) -> int:
    return pool.get_stats()["requests_num"]


async def test_answers_are_the_same_on_two_connections(postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    async with serve_api(postgres_url) as api:
        for kind in ("f64", "i64", "str"):
            await filled(api, f"plant/a/{kind}", kind)
        body: dict[str, Any] = {"from": shown(at()), "to": shown(at(39)), "resolution": "raw"}
        whole, limited = api.client.headers["Authorization"], f"Bearer {await api.fill.key(reach=['plant/a/*'])}"
        for asked in (["plant/a/f64"], ["plant/a/i64"], ["plant/a/str"], ["plant/a/*"]):
            for accept in ("application/json", "text/csv"):
                found: list[bytes] = []
                for key, halved in ((whole, (20, 60)), (limited, (20, 60)), (whole, (10**6, 10**6))):
                    monkeypatch.setattr(stretches, "HALVED_ROWS", halved)
                    headers = {"Accept": accept, "Authorization": key}
                    answer = await api.client.post("/api/v1/query", json=body | {"series": asked}, headers=headers)
                    assert answer.status_code == 200, answer.text
                    found.append(answer.content)
                assert found[0].count(b"2026-01-31T08:00:") >= 39 * (3 if "*" in asked[0] else 1)
                assert found[0] == found[1] == found[2]


async def test_both_halves_are_of_one_moment(postgres_api: Api):
    series_id = await filled(postgres_api, "raw/moment")
    async with await open_pool(postgres_api.fill.url, 2) as whole:
        async with whole.connection(), whole.connection():
            pass
        for pool in (whole, reached_pool(whole, "^raw/", is_snapshot=True)):
            async with snapshot(pool, series_id) as (reader, row):
                late = at(5.5 if pool is whole else 6.5), at(35.5 if pool is whole else 36.5)
                await postgres_api.fill.samples(series_id, [(each, -1.0, None, GOOD) for each in late])
                before = taken(whole)
                found = await read_all(reader, [row], WINDOW, PLENTY)
                assert taken(whole) == before + 1
            assert found is not None
            times = found[row.id].times_us.tolist()
            assert times == sorted(times)
            assert us_of(late[0]) not in times
            assert us_of(late[1]) not in times
            assert len(times) == (40 if pool is whole else 42)


async def test_where_no_connection_is_free_one_does(postgres_api: Api):
    series_id = await filled(postgres_api, "raw/alone")
    async with await open_pool(postgres_api.fill.url, 1) as pool, snapshot(pool, series_id) as (reader, row):
        found = await read_all(reader, [row], WINDOW, PLENTY)
        assert found is not None
        assert len(found[row.id]) == 40


async def test_more_than_may_be_answered_is_no_answer(postgres_api: Api):
    series_id = await filled(postgres_api, "raw/most")
    async with await open_pool(postgres_api.fill.url, 2) as pool, snapshot(pool, series_id) as (reader, row):
        assert await read_all(reader, [row], WINDOW, 39) is None
        found = await read_all(reader, [row], WINDOW, 40)
        assert found is not None
        assert len(found[row.id]) == 40


async def test_the_time_limit_of_one_half_ends_both(postgres_api: Api):
    series_id = await filled(postgres_api, "raw/late")
    async with await open_pool(postgres_api.fill.url, 3) as pool:
        async with pool.connection(), pool.connection():
            pass
        async with pool.connection() as holder:
            await holder.execute("begin; lock table sample in access exclusive mode")
            with pytest.raises(QueryCanceled):
                await in_time(pool, series_id, 0.2)
            await holder.execute("rollback")
        async with snapshot(pool, series_id) as (reader, row):
            assert await read_all(reader, [row], WINDOW, PLENTY) is not None
