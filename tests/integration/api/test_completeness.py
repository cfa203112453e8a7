"""Completeness through the whole application: samples, gaps, ledger, rejects and maintenance on each engine."""

import random
from datetime import timedelta
from typing import Any

from cloud_api.storage.instants import us_of
from tests.integration.api.rolled import roll_everything
from tests.integration.api.service import BAD, GOOD, Api, Row, at, serve_api, shown

HOUR = {"from": shown(at()), "to": shown(at(3_600))}


async def scanned(
    api: Api,
    path: str,
    seconds: list[int],
    *,
    period: float = 10.0,
    device: str = "plc-1",
    status: int = GOOD,
    **more: Any,
) -> int:
    """A series with samples at these seconds, made long before."""
    columns = {"device": device, "scan_period_s": period, "created_at": at(-86_400)} | more
    series_id = await api.fill.series(path, **columns)
    rows: list[Row] = [(at(second), 1.0, None, GOOD) for second in seconds]
    if rows:
        await api.fill.samples(series_id, rows)
    return series_id


async def until(api: Api, seconds: float, agent: str = "gw-1", device: str = "plc-1") -> None:
    await api.fill.run(
        "insert into agent_until values (%s, %s, %s)",
        agent,
        device,
        at(seconds),
    )


async def gap(api: Api, low: float, high: float, reason: str, device: str | None = "plc-1", **more: Any) -> None:
    columns = {"agent": "gw-1", "device": device, "from_at": at(low), "to_at": at(high), "reason": reason} | more
    columns["digest"] = f"{low}{high}{reason}{device}".encode()
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    await api.fill.run(f"insert into gap ({names}) values ({marks})", *columns.values())


def holes(item: dict[str, Any]) -> list[tuple[str, str, str, str | None]]:
    return [(hole["from_at"], hole["to_at"], hole["reason"], hole["blame"]) for hole in item["holes"]]


def span(low: float, high: float) -> tuple[str, str]:
    return shown(at(low)), shown(at(high))


WHOLE = list(range(-20, 3_700, 10))


async def test_holes_have_reasons_and_blame(api: Api):
    lost = [second for second in WHOLE if not (600 <= second < 900 or second == 1_200 or 1_800 <= second < 2_400)]
    await scanned(api, "杭州/一号线/压机/压力", lost)
    await scanned(api, "杭州/一号线/压机/温度", WHOLE)
    await until(api, 3_500)
    await gap(api, 595, 900, "device_unreachable")
    await gap(api, 1_795, 2_395, "outbox_full", device=None)
    await api.fill.run("insert into outage (part, from_at, to_at) values ('database', %s, %s)", at(1_700), at(2_500))
    answer = await api.get("/completeness", path="杭州/**", **HOUR)
    pressure, temperature = answer["items"]
    assert (pressure["expected"], pressure["received"], pressure["promise"]) == (350, 269, "every_scan")
    assert holes(pressure) == [
        (*span(595, 900), "device_unreachable", "device"),
        (*span(1_200, 1_210), "not_reported", None),
        (*span(1_795, 2_395), "outbox_full", "database"),
    ]
    assert pressure["missing_s"] == 915.0
    assert pressure["percent"] == round(100 * (3_500 - 915) / 3_500, 4)
    assert (pressure["known_from"], pressure["known_until"]) == span(0, 3_500)
    assert [(hole["from_at"], hole["to_at"], hole["reason"]) for hole in pressure["unknown"]] == [
        (*span(3_500, 3_600), "not_arrived")
    ]
    # Where samples are, a declared gap is none: they were filled in afterwards.
    assert (temperature["percent"], temperature["holes"]) == (100.0, [])
    assert answer["total"]["series"] == 2
    assert answer["total"]["expected_s"] == 7_000.0


async def test_groups_add_up(api: Api):
    for index, lost in enumerate((range(600, 660), range(0), range(1_200, 1_260))):
        kept = [second for second in WHOLE if second not in lost]
        await scanned(api, f"h/line-{index % 2}/m/t{index}", kept, source_agent=f"gw-{index % 2}", device="d")
    await until(api, 3_600, "gw-0", "d")
    await until(api, 3_600, "gw-1", "d")
    by_asset = await api.get("/completeness", group="asset", depth=2, **HOUR)
    assert [(item["asset"], item["series"], item["missing_s"]) for item in by_asset["items"]] == [
        ("h/line-0", 2, 120.0),
        ("h/line-1", 1, 0.0),
    ]
    assert by_asset["items"][0]["reasons"] == [
        {"reason": "not_reported", "blame": None, "holes": 2, "missing_s": 120.0}
    ]
    by_agent = await api.get("/completeness", group="agent", **HOUR)
    assert [(item["agent"], item["percent"]) for item in by_agent["items"]] == [
        ("gw-0", round(100 * (1 - 120 / 7_200), 4)),
        ("gw-1", 100.0),
    ]
    assert by_agent["total"]["missing_s"] == 120.0
    sheet = await api.client.get(
        "/api/v1/completeness", params={"rows": "holes", **HOUR}, headers={"Accept": "text/csv"}
    )
    assert sheet.headers["content-type"].startswith("text/csv")
    assert [line.split(",")[1] for line in sheet.text.splitlines()[1:]] == ["h/line-0/m/t0", "h/line-0/m/t2"]
    seen = [item["path"] async for items in api.pages("/completeness", limit=2, **HOUR) for item in items]
    assert seen == ["h/line-0/m/t0", "h/line-0/m/t2", "h/line-1/m/t1"]


async def test_all_devices_of_an_agent_gone_at_once_are_the_line(api: Api):
    for device in ("a", "b"):
        await scanned(api, f"p/{device}", [second for second in WHOLE if not 600 <= second < 900], device=device)
        await until(api, 3_600, device=device)
    await gap(api, 590, 900, "device_unreachable", device="a")
    await gap(api, 700, 900, "device_unreachable", device="b")
    first, second = (await api.get("/completeness", path="p/*", **HOUR))["items"]
    assert holes(first) == [
        (*span(590, 700), "device_unreachable", "device"),
        (*span(700, 900), "device_unreachable", "line"),
    ]
    assert holes(second)[-1] == (*span(700, 900), "device_unreachable", "line")


async def test_bad_samples_at_each_attempt_do_not_shorten_a_gap(api: Api):
    good = [second for second in WHOLE if not 600 <= second < 900]
    series_id = await scanned(api, "bad/t", good)
    await api.fill.samples(series_id, [(at(second), None, None, BAD) for second in range(601, 900, 12)])
    await until(api, 3_600)
    await gap(api, 592, 900, "device_unreachable")
    (item,) = (await api.get("/completeness", path="bad/t", **HOUR))["items"]
    assert holes(item) == [(*span(592, 900), "device_unreachable", "device")]


async def test_planned_retired_new_and_silent_series(api: Api):
    down = [second for second in WHOLE if not 600 <= second < 1_200]
    await scanned(api, "s/planned", down)
    await scanned(api, "s/retired", [s for s in WHOLE if s < 1_800], retired_at=at(1_800))
    await scanned(api, "s/new", [s for s in WHOLE if s >= 1_800], created_at=at(1_800))
    await scanned(api, "s/gone", WHOLE, retired_at=at(-1))
    await scanned(api, "s/posted", [0, 1_000], scan_period_s=None, device="none")
    await until(api, 3_600)
    await api.fill.run(
        "insert into maintenance (asset, from_at, until_at, ended_at, reason, who) values ('s', %s, %s, %s, 'r', 'w')",
        at(600),
        at(1_500),
        at(1_200),
    )
    items = {item["path"]: item for item in (await api.get("/completeness", path="s/**", **HOUR))["items"]}
    assert set(items) == {"s/planned", "s/retired", "s/new", "s/posted"}
    assert (items["s/planned"]["percent"], items["s/planned"]["planned_s"]) == (100.0, 600.0)
    assert items["s/retired"]["known_until"] == shown(at(1_800))
    assert (items["s/retired"]["percent"], items["s/retired"]["unknown_s"]) == (100.0, 0.0)
    assert items["s/new"]["known_from"] == shown(at(1_800))
    assert items["s/posted"]["percent"] is None
    assert items["s/posted"]["unknown"][0]["reason"] == "source_says_nothing"


async def test_what_has_not_arrived_is_unknown_and_what_was_put_aside_is_rejected(api: Api):
    await scanned(api, "u/t", [s for s in WHOLE if not (600 <= s < 900 or 1_800 <= s < 2_100)])
    await until(api, 3_600)
    await api.fill.run(
        "insert into ledger (agent, epoch, stored, created_at, updated_at) values"
        " ('gw-1', gen_random_uuid(), '{[1,10)}', %s, %s), ('gw-1', gen_random_uuid(), '{[1,5),[8,20)}', %s, %s)",
        at(-5_000),
        at(1_700),
        at(1_750),
        at(3_600),
    )
    await api.fill.run(
        "insert into reject (received_at, last_received_at, agent, path, reason, form, first_at, last_at, digest,"
        " payload_bytes, payload) values (%s, %s, 'gw-1', 'u/t', 'kind_contradiction', 'samples', %s, %s, 'd', 0, '')",
        at(),
        at(),
        at(600),
        at(890),
    )
    (item,) = (await api.get("/completeness", path="u/t", **HOUR))["items"]
    assert holes(item) == [(*span(600, 900), "rejected", "agent")]
    assert [(hole["from_at"], hole["to_at"], hole["reason"]) for hole in item["unknown"]] == [
        (*span(1_800, 2_100), "in_outbox")
    ]
    assert item["expected_s"] == 3_300.0


async def test_a_replaced_agents_gaps_stay_with_the_series(api: Api):
    await scanned(api, "t/t", [s for s in WHOLE if not 600 <= s < 900], source_agent="gw-2")
    await until(api, 3_600, "gw-2")
    await api.fill.run("insert into agent (id, replaced_by) values ('gw-1', 'gw-2'), ('gw-2', null)")
    await gap(api, 595, 900, "agent_stopped", device=None)
    (item,) = (await api.get("/completeness", path="t/t", **HOUR))["items"]
    assert holes(item) == [(*span(595, 900), "agent_stopped", "agent")]


async def test_an_agent_that_is_away_leaves_the_end_unknown(api: Api):
    await scanned(api, "w/t", [s for s in WHOLE if s < 1_000])
    await until(api, 1_000)
    await api.fill.run("insert into agent (id, state, state_at) values ('gw-1', 'offline', %s)", at(1_010))
    (item,) = (await api.get("/completeness", path="w/t", **HOUR))["items"]
    assert (item["percent"], item["unknown_s"], item["known_until"]) == (100.0, 2_600.0, shown(at(1_000)))
    assert [(hole["reason"], hole["blame"]) for hole in item["unknown"]] == [("agent_offline", "agent")]


async def test_unreasonable_questions_are_refused(postgres_api: Api):
    api = postgres_api
    await scanned(api, "x/t", [0, 10], scan_period_s=0.01)
    problem = await api.refused("GET", "/completeness", params={"from": HOUR["to"], "to": HOUR["from"]})
    assert problem["field"] == "to"
    assert (await api.refused("GET", "/completeness", params={"from": HOUR["from"]}))["field"] == "to"
    assert (await api.refused("GET", "/completeness", params={**HOUR, "asset": "no/where"}))["status"] == 404
    long = {"from": shown(at()), "to": shown(at() + timedelta(days=300))}
    assert (await api.get("/completeness", **long))["items"]  # few samples, whatever the period allows


async def test_rollups_say_the_same_as_raw_samples(api: Api):
    chance = random.Random(5)
    day = range(-1_000, 4 * 3_600, 10)
    for index in range(6):
        lost = set(chance.sample(day, 20)) | set(range(start := chance.randrange(0, 10_000), start + 1_500))
        more: dict[str, Any] = {} if index % 3 else {"deadband": "1%", "max_silence_s": [50.0, 600.0][index % 2]}
        series_id = await scanned(api, f"r/{index}", [second for second in day if second not in lost], **more)
        bad = [(at(second + 3), None, None, BAD) for second in sorted(lost) if second % 40 == 0]
        await api.fill.samples(series_id, bad)
    await scanned(api, "r/on_change", list(day)[::7], scan_period_s=None)
    await until(api, 4 * 3_600 - 400)
    await gap(api, 3_000, 7_000, "device_unreachable")
    window = {"from": shown(at(125)), "to": shown(at(4 * 3_600)), "path": "r/*"}
    raw = await api.get("/completeness", **window)
    await roll_everything(api.fill, us_of(at(3 * 3_600 + 77)) // 60_000_000 * 60_000_000)
    rolled = await api.get("/completeness", **window)
    assert (raw["resolution"], rolled["resolution"]) == ("raw", "15m")
    assert rolled["items"] == raw["items"]
    # What waits to be rolled again is read from raw samples: rows under a mark are not believed.
    table = "update rollup_15m set total = total + 100 where bucket = %s"
    await api.fill.run(table, at(3_600))
    await api.fill.run(
        "insert into rollup_dirty (resolution, bin_at, bin_minutes, from_at, to_at, series_ids)"
        " values ('1m', %s, 15, %s, %s, '{[1,100)}')",
        at(3_600),
        at(3_660),
        at(3_720),
    )
    assert (await api.get("/completeness", **window))["items"] == raw["items"]


async def test_very_many_changes_in_a_quarter_are_only_changes(postgres_api: Api):
    api = postgres_api
    halves = [half / 2 for half in range(2 * 2_700)]
    await scanned(api, "f/fast", halves, deadband="1", max_silence_s=2_400.0)
    await until(api, 2_700)
    window = {"from": shown(at()), "to": shown(at(2_700)), "path": "f/*"}
    raw = await api.get("/completeness", **window)
    await roll_everything(api.fill, us_of(at(2_700)))
    rolled = await api.get("/completeness", **window)
    assert (raw["resolution"], rolled["resolution"]) == ("raw", "15m")
    assert rolled["items"] == raw["items"]


async def test_too_many_minutes_are_read_as_quarters_and_the_answer_says_so(postgres_url: str):
    async with serve_api(postgres_url, query_max_samples=400) as api:
        seconds = [second for second in range(-60, 4 * 3_600, 20) if not 3_600 <= second < 7_200]
        await scanned(api, "c/t", seconds, deadband="1", max_silence_s=60.0)
        await until(api, 4 * 3_600)
        window = {"from": shown(at()), "to": shown(at(4 * 3_600))}
        await roll_everything(api.fill, us_of(at(4 * 3_600)))
        exact = await api.get("/completeness", **window)
        assert (exact["resolution"], exact["blind_below_s"]) == ("1m", None)
        for index in range(2):
            await scanned(api, f"c/more-{index}", [], deadband="1", max_silence_s=60.0)
        coarse = await api.get("/completeness", **window)
        assert (coarse["resolution"], coarse["blind_below_s"]) == ("15m", 900.0)
        assert coarse["items"][-1] == exact["items"][0]  # an hour is long enough to be seen in quarters
