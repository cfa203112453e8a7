"""Answers in the format and the packing that the caller reads, streamed, with cursors that inserts do not move."""

import asyncio
import csv
import io
import re
import zlib
from typing import Any

import arro3.io
import httpx
import nanoarrow
import psycopg
import zstandard
from nanoarrow.ipc import InputStream
from psycopg import sql

from cloud_api.formats.sheet import Style
from cloud_api.query import exports, stretches
from cloud_api.query.values import Int64
from cloud_api.storage.catalog import select_series
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import Pool, open_pool
from schemas.status import BAD_NO_DATA
from tests.integration.api.service import BAD, GOOD, Api, at, serve_api, shown

ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
WINDOW = {"from": shown(at()), "to": shown(at(1_000_000))}


def arrow_rows(data: bytes) -> list[dict[str, Any]]:
    stream = nanoarrow.ArrayStream(InputStream.from_readable(io.BytesIO(data)))
    return list(stream.read_all().iter_py())


async def get(api: Api, series_id: int, accept: str, **parameters: Any) -> httpx.Response:
    address = f"/api/v1/series/{series_id}/samples"
    response = await api.client.get(address, params=parameters, headers={"Accept": accept})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].split(";")[0] == accept
    assert "Accept" in response.headers["vary"]
    return response


async def numbered(api: Api, path: str, count: int) -> int:
    series_id = await api.fill.series(path)
    await api.fill.samples(series_id, [(at(index), index / 4, None, GOOD) for index in range(count)])
    return series_id


async def test_samples_in_every_format(api: Api):
    series_id = await api.fill.series("f/a", "i64")
    await api.fill.samples(
        series_id,
        [(at(0, 1), 5.0, None, GOOD), (at(1), 2.0**63, str(2**63 - 1), GOOD), (at(2), None, None, BAD)],
    )
    rows = list(csv.reader(io.StringIO((await get(api, series_id, "text/csv")).text)))
    assert rows == [
        ["time", "value", "status"],
        [shown(at(0, 1)), "5", "0"],
        [shown(at(1)), "9223372036854775807", "0"],
        [shown(at(2)), "", str(BAD)],
    ]
    found = arrow_rows((await get(api, series_id, ARROW)).content)
    assert [row["value"] for row in found] == [5, 2**63 - 1, None]
    assert [row["status"] for row in found] == [GOOD, GOOD, BAD]
    parquet = arro3.io.read_parquet(io.BytesIO((await get(api, series_id, PARQUET)).content)).read_all()
    assert parquet["value"].to_pylist() == [5, 2**63 - 1, None]


async def test_excel_reads_local_time(api: Api):
    series_id = await numbered(api, "f/excel", 2)
    response = await get(api, series_id, "text/csv", excel="true", time_zone="Asia/Shanghai")
    assert response.content.startswith(b"\xef\xbb\xbf")
    lines = response.content.decode("utf-8-sig").split("\r\n")
    assert lines[:2] == ["time (Asia/Shanghai),value,status", "2026-01-31 16:00:00.000,0.0,0"]
    problem = await api.refused("GET", f"/series/{series_id}/samples", params={"excel": "true", "time_zone": "Peking"})
    assert problem["field"] == "time_zone"


async def test_a_whole_window_streams_page_by_page(postgres_url: str, monkeypatch: Any):
    monkeypatch.setattr(exports, "PAGE_ROWS", 7)
    monkeypatch.setattr(exports, "NUMBER_ROWS", 7)
    async with serve_api(postgres_url) as api:
        series_id = await numbered(api, "f/long", 100)
        expected = [index / 4 for index in range(100)]
        found = arrow_rows((await get(api, series_id, ARROW)).content)
        assert [row["value"] for row in found] == expected
        text = (await get(api, series_id, "text/csv")).text
        assert [float(row["value"]) for row in csv.DictReader(io.StringIO(text))] == expected
        data = (await get(api, series_id, PARQUET)).content
        assert arro3.io.read_parquet(io.BytesIO(data)).read_all()["value"].to_pylist() == expected


async def test_a_long_page_of_json_is_read_in_stretches(postgres_url: str, monkeypatch: Any):
    monkeypatch.setattr(exports, "JSON_ROWS", 8)
    async with serve_api(postgres_url) as api:
        series_id = await numbered(api, "f/stretches", 25)
        for limit, long_rows in (
            (1, 2),
            (7, 2),
            (8, 2),
            (9, 9),
            (10, 2),
            (16, 3),
            (24, 2),
            (25, 2),
            (26, 2),
            (100, 99),
        ):
            monkeypatch.setattr(exports, "LONG_ROWS", long_rows)
            pages = [page async for page in api.pages(f"/series/{series_id}/samples", limit)]
            assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
            assert [item["value"] for page in pages for item in page] == [index / 4 for index in range(25)]


async def test_a_window_of_a_page_or_two_is_read_as_two_halves(postgres_url: str, monkeypatch: Any):
    monkeypatch.setattr(stretches, "HALVED_ROWS", (20, 60))
    monkeypatch.setattr(exports, "JSON_ROWS", 8)
    monkeypatch.setattr(exports, "NUMBER_ROWS", 8)
    async with serve_api(postgres_url) as api:
        series_id = await numbered(api, "f/halves", 40)
        for seconds in (20, 21, 33, 40, 50, 60, 100):
            expected = [index / 4 for index in range(min(40, seconds))]
            window = {"from": shown(at()), "to": shown(at(seconds))}
            found = arrow_rows((await get(api, series_id, ARROW, **window)).content)
            assert [row["value"] for row in found] == expected
            for limit in (15, 21, 25, 40, 41, 60):
                pages = [page async for page in api.pages(f"/series/{series_id}/samples", limit, **window)]
                assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
                assert [item["value"] for page in pages for item in page] == expected


async def test_a_page_that_the_time_limit_cuts_says_so_and_goes_on(postgres_url: str, monkeypatch: Any):
    monkeypatch.setattr(stretches, "HALVED_ROWS", (1, 1_000))
    midnight = 16 * 3600
    window = {"from": shown(at(midnight - 3600)), "to": shown(at(midnight + 3600)), "limit": 200}
    async with serve_api(postgres_url, query_timeout_s=0.5) as api:
        series_id = await api.fill.series("f/cut", scan_period_s=3600.0)
        times = [at(midnight + seconds) for seconds in (-2, -1, 0, 1)]
        await api.fill.samples(series_id, [(each, 1.0, None, GOOD) for each in times])
        address = f"/series/{series_id}/samples"
        ((second_day,),) = await api.fill.run("select tableoid::regclass::text from sample where time = %s", times[2])
        async with await psycopg.AsyncConnection.connect(api.fill.url) as holder:
            await holder.execute(sql.SQL("lock table {} in access exclusive mode").format(sql.Identifier(second_day)))
            cut = await api.get(address, **window)
            assert [item["time"] for item in cut["items"]] == [shown(each) for each in times[:2]]
            assert (cut["complete"], cut["next"] is None) == (False, False)
            at_limit = await api.get(address, **window | {"limit": 2})
            assert (at_limit["complete"], len(at_limit["items"])) == (True, 2)
            refused = await api.refused("GET", address, params={**window, "cursor": cut["next"]})
            assert refused["type"].endswith(":query-timeout")
            whole = {"from": window["from"], "to": window["to"]}
            refused = await api.refused("GET", address, params=whole, headers={"Accept": PARQUET})
            assert refused["type"].endswith(":query-timeout")
        rest = await api.get(address, **window, cursor=cut["next"])
        assert [item["time"] for item in rest["items"]] == [shown(each) for each in times[2:]]
        assert (rest["complete"], rest["next"]) == (True, None)


async def test_who_goes_away_leaves_no_reading_behind(postgres_url: str, monkeypatch: Any):
    async with serve_api(postgres_url) as api, await open_pool(api.fill.url, 2) as pool:
        series_id = await numbered(api, "f/left", 25)
        async with pool.connection() as connection:
            row = await select_series(connection, series_id)
        assert row is not None
        export = exports.Export(row, us_of(at()), us_of(at(20)), None, Int64.NUMBER, Style(), 10)

        def reads_under_way() -> list[asyncio.Task[Any]]:
            return [each for each in asyncio.all_tasks() if "read_page" in repr(each.get_coro())]

        for read_ahead, halved_rows in ((1, (1_000, 2_000)), (2, (1, 2_000))):
            monkeypatch.setattr(stretches, "HALVED_ROWS", halved_rows)
            pages = exports.sample_pages(pool, export, 7)
            assert len(await anext(pages)) == 7
            assert len(reads_under_way()) <= read_ahead
            await pages.aclose()
            assert not reads_under_way()
        assert await run_all(pool) == 2


async def run_all(pool: Pool) -> int:
    """How many connections of a pool answer, all at once."""
    async with pool.connection() as first, pool.connection() as second:
        return len([await each.execute("select 1") for each in (first, second)])


async def test_nothing_is_an_answer_too(api: Api):
    series_id = await api.fill.series("f/none", "bool")
    assert (await get(api, series_id, "text/csv")).text == "time,value,status\n"
    assert arrow_rows((await get(api, series_id, ARROW)).content) == []


async def test_pages_of_csv_are_linked_and_stable_under_inserts(api: Api):
    series_id = await numbered(api, "f/pages", 25)
    first = await get(api, series_id, "text/csv", limit=10, **WINDOW)
    assert first.text.count("\n") == 11
    # One before the position and one behind it: the first is not seen any more, the second is.
    await api.fill.samples(series_id, [(at(3.5), -1.0, None, GOOD), (at(13.5), -2.0, None, GOOD)])
    link = re.fullmatch(r'<(.*)>; rel="next"', first.headers["link"])
    assert link
    second = await api.client.get(link[1], headers={"Accept": "text/csv"})
    values = [float(row["value"]) for row in csv.DictReader(io.StringIO(second.text))]
    assert values == [2.5, 2.75, 3.0, 3.25, -2.0, 3.5, 3.75, 4.0, 4.25, 4.5]
    last = await api.client.get(re.findall("<(.*)>", second.headers["link"])[0], headers={"Accept": "text/csv"})
    assert last.text.count("\n") == 7
    assert "link" not in last.headers


async def test_query_answers_in_every_format(api: Api):
    await numbered(api, "f/q1", 4)
    await numbered(api, "f/q2", 2)
    body = {
        "series": ["f/q*"],
        "expressions": [{"name": "double", "expression": "'f/q1' * 2"}],
        "from": shown(at()),
        "to": shown(at(4)),
        "interval": "2s",
        "aggregate": ["average", "maximum_actual_time"],
        "fill": "null",
    }
    response = await api.client.post("/api/v1/query", json=body, headers={"Accept": "text/csv"})
    assert response.status_code == 200
    names = "series,time,average,maximum_actual_time,status,average_status,maximum_actual_time_status,value"
    lines = response.text.splitlines()
    assert lines[0] == names
    assert lines[1].startswith("f/q1,2026-01-31T08:00:00.000000Z,0.125,2026-01-31T08:00:01.000000Z,0,")
    assert lines[-1] == "double,2026-01-31T08:00:02.000000Z,,,0,,,1.25"
    del body["expressions"]
    answer = await api.client.post("/api/v1/query", json=body, headers={"Accept": ARROW})
    rows = arrow_rows(answer.content)
    assert [(row["series"], row["average"]) for row in rows] == [
        ("f/q1", 0.125),
        ("f/q1", 0.625),
        ("f/q2", 0.125),
        ("f/q2", None),
    ]
    assert str(rows[0]["maximum_actual_time"]) == "2026-01-31 08:00:01+00:00"
    assert rows[3]["status"] == BAD_NO_DATA
    wide = await api.client.post("/api/v1/query", json={**body, "layout": "wide"}, headers={"Accept": PARQUET})
    names = arro3.io.read_parquet(io.BytesIO(wide.content)).read_all().column_names
    assert names[:2] == ["time", "f/q1:average"]


async def test_answers_are_packed_as_the_caller_reads(postgres_api: Api):
    series_id = await numbered(postgres_api, "f/packed", 500)
    plain = await postgres_api.client.get(
        f"/api/v1/series/{series_id}/samples", headers={"Accept-Encoding": "identity"}
    )
    for encoding in ("zstd", "gzip"):
        async with postgres_api.client.stream(
            "GET", f"/api/v1/series/{series_id}/samples", headers={"Accept-Encoding": encoding}
        ) as response:
            raw = b"".join([piece async for piece in response.aiter_raw()])
        assert response.headers["content-encoding"] == encoding
        assert len(raw) < len(plain.content) / 5
        data = (
            zstandard.ZstdDecompressor().decompressobj().decompress(raw)
            if encoding == "zstd"
            else zlib.decompress(raw, zlib.MAX_WBITS | 16)
        )
        assert data == plain.content


async def test_a_format_that_is_not_there_is_refused(api: Api):
    series_id = await api.fill.series("f/x")
    problem = await api.refused("GET", f"/series/{series_id}/samples", headers={"Accept": "text/html"})
    assert (problem["status"], problem["field"]) == (406, "Accept")
    assert problem["type"].endswith(":not-acceptable")
    body = {"series": ["f/x"], "interval": "1m", **WINDOW}
    assert (await api.refused("POST", "/query", json=body, headers={"Accept": "image/png"}))["status"] == 406
