"""The list of alarms: which stand in which list, counted, filtered, sorted, page by page."""

import math
from dataclasses import replace
from typing import Any

from cloud_api.storage import alarm_list
from tests.integration.alarms.desk import Desk
from tests.integration.alarms.plant import CLEAR, RAISE, SUPPRESS, AlarmRules, transition

STATES = alarm_list.STATES
LATCHING = AlarmRules(name="door", position="gate", is_latching=True)


async def fill(desk: Desk) -> dict[str, str]:
    """One alarm of every state."""
    ids = {name: await desk.raised(f"plant/{name}/t") for name in ("b", "c", "d", "g", "i", "n")}
    await desk.happen(transition(CLEAR, 1, "plant/d/t"), transition(CLEAR, 1, "plant/n/t"))
    await desk.done(f"{ids['c']}/acknowledge")
    await desk.done(f"{ids['n']}/acknowledge")
    await desk.done(f"{ids['g']}/shelve", {"reason": "r", "duration": "1h"})
    await desk.done(f"{ids['i']}/out-of-service", {"reason": "r", "order_number": "1"}, desk.engineer)
    await desk.happen(transition(SUPPRESS, path="plant/h/t", note="line stopped"), transition(RAISE, path="plant/h/t"))
    for name in ("e", "f"):
        path = f"gate/{name}/t"
        ids[name] = await desk.raised(path, rules=LATCHING, priority="critical", message_zh="闸门打开")
        await desk.happen(transition(CLEAR, 1, path, rules=LATCHING))
    await desk.done(f"{ids['f']}/acknowledge")
    return ids


def letters(items: list[dict[str, Any]]) -> str:
    return "".join(sorted(item["path"].split("/")[1] for item in items))


async def test_every_alarm_stands_in_its_lists(any_desk: Desk):
    await fill(any_desk)
    lists = {
        "open": "bcdef",
        "active": "bc",
        "unacknowledged": "bde",
        "returned": "d",
        "latched": "ef",
        "shelved": "g",
        "suppressed": "h",
        "out_of_service": "i",
        "listed": "bcdefghi",
    }
    for state, expected in lists.items():
        page = await any_desk.api.get("/alarms", state=state)
        assert letters(page["items"]) == expected
        assert page["counts"][state] == len(expected)
    assert letters((await any_desk.api.get("/alarms", state="all"))["items"]) == "bcdefghin"
    page = await any_desk.api.get("/alarms")
    assert letters(page["items"]) == "bcdef"
    assert {name: page["counts"][name] for name in ("critical", "high", "medium", "low")} == {
        "critical": 2,
        "high": 3,
        "medium": 0,
        "low": 0,
    }
    (suppressed,) = (await any_desk.api.get("/alarms", state="suppressed"))["items"]
    assert suppressed["suppression"]["rule"] == "line stopped"

    async def found(**filters: Any) -> str:
        page = await any_desk.api.get("/alarms", **filters)
        assert page["counts"]["open"] == len(page["items"])
        return letters(page["items"])

    assert await found(priority="critical") == "ef"
    assert await found(priority=["critical", "high"]) == "bcdef"
    assert await found(position="gate") == "ef"
    assert await found(path="plant/*/t") == "bcd"
    await any_desk.api.fill.run("insert into asset (path, kind) values ('plant', 'site'), ('plant/c', 'area')")
    assert await found(asset="plant/c") == "c"
    assert await found(asset="plant", path="**/d/*") == "d"
    assert await found(q="闸门") == "ef"
    assert await found(q="PLANT/B") == "b"
    assert await found(q="%") == ""


async def test_pages_in_every_order_show_each_alarm_once(desk: Desk):
    await desk.happen(
        *[
            transition(RAISE, number, f"hall/pump-{number:02d}/flow", priority=("low", "critical", "high")[number % 3])
            for number in range(25)
        ]
    )
    await desk.happen(*[transition(RAISE, path=f"hall/fan-{number}/speed", priority="medium") for number in range(4)])
    for sort in ("priority", "newest", "oldest", "path"):
        pages = [items async for items in desk.api.pages("/alarms", limit=7, sort=sort)]
        walked = [item for items in pages for item in items]
        whole = (await desk.api.get("/alarms", limit=1000, sort=sort))["items"]
        assert [item["id"] for item in walked] == [item["id"] for item in whole]
        assert len({item["id"] for item in walked}) == 29
        ranks = [("critical", "high", "medium", "low").index(item["priority"]) for item in walked]
        times = [item["annunciated_at"] for item in walked]
        expected = {
            "priority": ranks == sorted(ranks),
            "newest": times == sorted(times, reverse=True),
            "oldest": times == sorted(times),
            "path": [item["path"] for item in walked] == sorted(item["path"] for item in walked),
        }
        assert expected[sort], sort
    page = await desk.api.get("/alarms", limit=7)
    other = await desk.api.refused("GET", "/alarms", params={"cursor": page["next"], "sort": "path"})
    assert other["type"].endswith(":cursor-invalid")


def sort_key(order: str, item: dict[str, Any]) -> tuple[Any, ...]:
    """What an order goes by, as Python orders it: none last whichever way."""
    column = order.removeprefix("-")
    value: Any = {
        "priority": ("critical", "high", "medium", "low").index(item["priority"]),
        "path": item["path"].encode(),
        "state": STATES.index(item["state"]),
        "class": item["class"],
        "value": item["value"],
        "raised": item["raised_at"],
        "count": item["raise_count"],
    }[column]
    return (value is None, value)


async def test_every_column_orders_both_ways_with_none_last_and_pages_agree(any_desk: Desk):
    await fill(any_desk)
    for number, value in enumerate((3.5, None, -2.0, 3.5, math.nan, 0.0, None, math.inf, 1e300)):
        rules = replace(LATCHING, alarm_class=("b", None, "a")[number % 3])
        path = f"hall/{number}/t"
        await any_desk.raised(path, rules=rules, priority=("low", "medium")[number % 2], value=value)
    columns = ("priority", "path", "state", "class", "value", "raised", "count")
    for order in [*columns[2:], *(f"-{column}" for column in columns)]:
        pages = [items async for items in any_desk.api.pages("/alarms", limit=4, sort=order, state="all")]
        walked = [item for items in pages for item in items]
        whole = (await any_desk.api.get("/alarms", limit=1000, sort=order, state="all"))["items"]
        assert [item["id"] for item in walked] == [item["id"] for item in whole], order
        assert len({item["id"] for item in walked}) == len(walked) == 18, order
        keys = [sort_key(order, item) for item in walked]
        said = [key for key in keys if not key[0]]
        assert keys[: len(said)] == said, f"{order}: none come last"
        assert said == sorted(said, reverse=order.startswith("-")), order
        for key in set(said):
            times = [item["annunciated_at"] for item, each in zip(walked, keys, strict=True) if each == key]
            assert times == sorted(times, reverse=True), f"{order}: what is alike"


async def test_an_alarm_that_moves_while_somebody_pages_is_never_doubled_before_its_place(desk: Desk):
    for number in range(9):
        await desk.raised(f"hall/{number}/t", value=float(number))
    first = await desk.api.get("/alarms", limit=4, sort="-value")
    await desk.api.fill.run("update alarm set value = 100 where instance = 'hall/1/t'")
    rest = await desk.api.get("/alarms", limit=100, sort="-value", cursor=first["next"])
    assert [item["path"][5] for item in first["items"] + rest["items"]] == list("87654320")


async def test_messages_follow_the_readers_language(desk: Desk):
    alarm = await desk.raised()
    for languages, expected in (("zh-CN,zh;q=0.9", "压力 7.25 bar 高于 7"), ("en", "pressure 7.25 bar above 7")):
        for address in ("/api/v1/alarms", f"/api/v1/alarms/{alarm}"):
            answer = (await desk.api.client.get(address, headers={"Accept-Language": languages})).json()
            assert answer.get("items", [answer])[0]["message"] == expected


async def test_what_the_list_refuses(desk: Desk):
    for wrong, field in (
        ({"state": "loud"}, "state"),
        ({"priority": "urgent"}, "priority.0"),
        ({"sort": "-x"}, "sort"),
        ({"path": "a//b"}, "path"),
        ({"limit": "100000"}, "limit"),
        ({"colour": "red"}, "colour"),
        ({"cursor": "abc"}, "cursor"),
    ):
        refusal = await desk.api.refused("GET", "/alarms", params=wrong)
        assert (refusal["status"], refusal["field"]) == (400, field)


async def test_statuscodes_come_back_unsigned(desk: Desk):
    alarm = await desk.raised(status=0x80310000, value=None)
    shown = await desk.api.get(f"/alarms/{alarm}")
    assert (shown["status"], shown["value"]) == (0x80310000, None)


async def test_one_alarm_says_what_to_do_at_its_place(desk: Desk):
    await desk.api.fill.series("hall/pump-1/p")
    await desk.api.fill.series("hall/pump-2/p")
    definition = {
        "name": "pressure",
        "target": {"path": "hall/*/p"},
        "condition": {"kind": "limit", "hi": {"limit": 7}},
        "action": {"en": "open the bypass", "zh": "打开旁通阀"},
        "rationalisation": {"consequence": "burst hose", "time_to_respond_s": 300},
        "overrides": [{"path": "hall/pump-2/p", "change": {"action": {"en": "stop the pump", "zh": ""}}}],
    }
    made = await desk.api.client.post("/api/v1/alarm-definitions", json=definition, headers=dict(desk.engineer))
    assert made.status_code == 201, made.text
    alarms = {item["path"]: item for item in (await desk.api.get("/alarms", state="all"))["items"]}
    assert {item["state"] for item in alarms.values()} == {"normal"}, "known before they were ever raised"

    async def guidance(path: str, language: str = "en") -> dict[str, Any]:
        address = f"/api/v1/alarms/{alarms[path]['id']}"
        answer = await desk.api.client.get(address, headers={"Accept-Language": language})
        shown: dict[str, Any] = answer.json()["guidance"]
        return shown

    first = await guidance("hall/pump-1/p")
    assert (first["action"], first["consequence"], first["time_to_respond_s"]) == ("open the bypass", "burst hose", 300)
    assert (await guidance("hall/pump-1/p", "zh-CN"))["action"] == "打开旁通阀"
    assert (await guidance("hall/pump-2/p", "zh-CN"))["action"] == "stop the pump"
    # What was never raised can be shelved and taken out of service all the same.
    shelved = await desk.done(f"{alarms['hall/pump-1/p']['id']}/shelve", {"reason": "r", "duration": "1h"})
    assert (shelved["state"], shelved["annunciated_at"]) == ("shelved", None)
