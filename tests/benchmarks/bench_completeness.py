"""Completeness of 10,000 series over a day, and the asset tree over them, as HTTP answers beside bare SQL.

Rollup rows stand for samples of every second: 9,000 series by scan (quarters), 1,000 behind a deadband (minutes).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import psycopg

from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, Partitions
from cloud_api.storage.pool import open_pool
from tests.benchmarks.report import WINDOWS, Row
from tests.fixtures.database import make_postgres
from tests.integration.api.service import Api, serve_api

DAY = 1_769_817_600  # 2026-01-31
SERIES = """
insert into series (source_agent, source_path, path, kind, device, scan_period_s, deadband, max_silence_s, created_at)
select 'gw-' || mod(n, 20), p, p, 'f64', 'plc', 1, case when mod(n, 10) = 0 then '1' end,
       case when mod(n, 10) = 0 then 60 end, '2026-01-01'
from generate_series(1, 10000) n,
     lateral (select concat_ws('/', 'site-' || mod(n, 2), 'area-' || mod(n, 10), 'line-' || mod(n, 50),
                               'asset-' || mod(n, 1000), 't' || n) as p) named
"""
ASSETS = """
insert into asset (path, kind)
select distinct array_to_string((string_to_array(path, '/'))[1:levels], '/'), 'asset'
from series, generate_series(1, 4) levels
"""
UNTIL = "insert into agent_until select 'gw-' || n, 'plc', '2026-02-02' from generate_series(0, 19) n"
ROLLUPS = """
insert into rollup_{} (series_id, bucket, with_uncertain, state, valid_from, total, first_at, last_at)
select id, bucket, false, 'f', '2026-02-02', {} * 60, 0, {} * 60000000 - 1000000
from series, generate_series('2026-01-31 00:00Z'::timestamptz, '2026-01-31 23:59Z', '{} minutes') bucket
where (deadband is null) = {}
"""
BARE_ROLLUPS = """
select series_id, sum(total), min(first_at), max(last_at) from (
    select series_id, total, first_at, last_at from rollup_15m where bucket >= '2026-01-31' and bucket < '2026-02-01'
    union all
    select series_id, total, first_at, last_at from rollup_1m where bucket >= '2026-01-31' and bucket < '2026-02-01'
) counted group by series_id
"""
BARE_ASSETS = """
select a.id, a.path, a.kind, a.attributes::text, count(s.id) from asset a left join series s on s.asset = a.path
group by a.id order by a.path collate "C"
"""


def run() -> list[Row]:
    """Measure on the embedded PostgreSQL."""
    server, remove = make_postgres()
    try:
        return asyncio.run(_measure(server.url(server.create_database())))
    finally:
        remove()


async def _measure(url: str) -> list[Row]:
    async with serve_api(url) as api:
        await _fill(api, url)
        window = {"from": "2026-01-31T00:00:00Z", "to": "2026-02-01T00:00:00Z"}

        async def ask_all() -> None:
            answer = await api.get("/completeness", group="agent", **window)
            assert (answer["total"]["series"], answer["total"]["percent"]) == (10_000, 100.0)

        async def ask_tree() -> None:
            assert len((await api.get("/assets", limit=10_000))["items"]) > 1_000

        async def ask_roots() -> None:
            assert len((await api.get("/assets", depth=1))["items"]) == 2

        judged, summed = await _alternated(ask_all, lambda: _bare(url, BARE_ROLLUPS))
        tree, listed = await _alternated(ask_tree, lambda: _bare(url, BARE_ASSETS))
        roots, _ = await _alternated(ask_roots, lambda: _bare(url, BARE_ASSETS))
    rows = f"{9_000 * 96 + 1_000 * 1_440:,} rollup rows"
    return [
        Row(
            f"completeness of 10,000 series x 1 day ({rows}) / bare sums of them", judged, "s", summed, judged / summed
        ),
        Row("GET /assets, all of 10,000 series / bare SELECT", 1e3 * tree, "ms", 1e3 * listed, tree / listed),
        Row("GET /assets?depth=1", 1e3 * roots, "ms"),
    ]


async def _fill(api: Api, url: str) -> None:
    pool = await open_pool(url, 1)
    async with pool.connection() as connection:
        for table in (ROLLUP_1M, ROLLUP_15M):
            await Partitions(table).ensure(connection, [DAY // 86_400])
    await pool.close()
    for query in (
        SERIES,
        ASSETS,
        UNTIL,
        ROLLUPS.format("15m", 15, 15, 15, "true"),
        ROLLUPS.format("1m", 1, 1, 1, "false"),
        "update rollup_progress set closed_until = '2026-02-02', marked_until = '2026-02-02'",
        "vacuum analyze",
    ):
        await api.fill.run(query)


async def _alternated(product: Callable[[], Awaitable[None]], reference: Callable[[], None]) -> tuple[float, float]:
    """Medians of both, asked in turn; one round before is not counted."""
    pairs: list[tuple[float, float]] = []
    for _ in range(WINDOWS + 1):
        began = time.monotonic()
        await product()
        middle = time.monotonic()
        await asyncio.to_thread(reference)
        pairs.append((middle - began, time.monotonic() - middle))
    products, references = (sorted(each) for each in zip(*pairs[1:], strict=True))
    return products[WINDOWS // 2], references[WINDOWS // 2]


def _bare(url: str, query: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(query.encode()).fetchall()
