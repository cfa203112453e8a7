"""Latest samples: names are remembered between questions, and a change of them shows at once, whoever made it."""

from dataclasses import replace
from datetime import timedelta

from cloud_api.globs import parse_glob
from cloud_api.query.names import SeriesNames
from cloud_api.storage.latest import select_latest_page
from cloud_api.storage.pool import open_pool, transaction
from tests.integration.api.service import GOOD, Api, at

# Few are read in the order of their paths, many in none.
LIMITS = (10, 5_000)
ALL = parse_glob("**")


async def test_names_that_change_elsewhere_show_at_once(api: Api):
    ids = {}
    for name in ("b", "a", "工"):
        ids[name] = await api.fill.series(f"n/{name}", unit="bar")
        await api.fill.samples(ids[name], [(at(), 1.0, None, GOOD)])
    for limit in LIMITS:
        assert await _names(api, limit) == [("n/a", "f64", "bar"), ("n/b", "f64", "bar"), ("n/工", "f64", "bar")]
    await api.fill.run("update series set path = 'n/z', unit = null where id = %s", ids["a"])
    await api.fill.run("update series set kind = 'i64' where id = %s", ids["b"])
    for limit in LIMITS:
        assert await _names(api, limit) == [("n/b", "i64", "bar"), ("n/z", "f64", None), ("n/工", "f64", "bar")]
    await api.fill.run("update series set retired_at = now() where id = %s", ids["b"])
    await api.fill.run("delete from latest where series_id = %s", ids["工"])
    for limit in LIMITS:
        assert await _names(api, limit) == [("n/z", "f64", None)]


async def _names(api: Api, limit: int) -> list[tuple[str, str, str | None]]:
    page = await api.get("/latest", path="n/*", limit=limit)
    return [(item["path"], item["kind"], item["unit"]) for item in page["items"]]


async def test_more_than_a_large_page_holds_comes_in_order(api: Api):
    await api.fill.run(
        "insert into series (source_agent, source_path, path, kind) select 'gw', p, p, 'f64'"
        " from (select 'm/' || i as p from generate_series(1, 1203) i) x"
    )
    await api.fill.run(
        "insert into latest (series_id, status, time, arrived_at, value) select id, 0, %s, now(), id from series", at()
    )
    paths = sorted(f"m/{index}" for index in range(1, 1204))
    pages = [[item["path"] for item in items] async for items in api.pages("/latest", limit=1_001)]
    assert pages == [paths[:1_001], paths[1_001:]]
    whole = (await api.get("/latest", limit=1_203))["items"]
    assert [item["path"] for item in whole] == paths
    assert all(item["value"] == item["id"] for item in whole)


async def test_names_are_forgotten_when_another_server_counts_versions(postgres_api: Api):
    for name in ("a", "b"):
        await postgres_api.fill.samples(await postgres_api.fill.series(name), [(at(), 1.0, None, GOOD)])
    async with await open_pool(postgres_api.fill.url, 1) as pool, transaction(pool) as connection:
        found = await select_latest_page(connection, ALL, "", 10)
        assert found is not None
        names = SeriesNames()
        learned = await names.of(connection, found)
        assert learned.paths.tolist() == ["a", "b"]
        assert await names.of(connection, found) is learned
        elsewhere = replace(found, server_started_at=found.server_started_at + timedelta(seconds=1))
        again = await names.of(connection, elsewhere)
        assert again is not learned
        assert await names.of(connection, elsewhere) is again


async def test_no_more_names_are_remembered_than_may_be(postgres_api: Api):
    for name in ("a", "b", "c"):
        await postgres_api.fill.samples(await postgres_api.fill.series(name), [(at(), 1.0, None, GOOD)])
    async with await open_pool(postgres_api.fill.url, 1) as pool, transaction(pool) as connection:
        names = SeriesNames(most=2)
        for after, expected in (("", ["a", "b"]), ("b", ["c"]), ("a", ["b", "c"])):
            found = await select_latest_page(connection, ALL, after, 2)
            assert found is not None
            assert (await names.of(connection, found)).paths.tolist() == expected
