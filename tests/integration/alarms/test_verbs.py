"""What operators and engineers do with alarms over HTTP: each verb, its refusals, its trace."""

import asyncio
from typing import Any
from uuid import uuid4

from cloud_api.alarms.transitions import AlarmRules
from cloud_api.storage.pool import Pool, open_pool
from tests.integration.alarms.desk import Desk
from tests.integration.alarms.plant import CLEAR, RAISE, apply, transition

LATCHING = AlarmRules(is_latching=True)


async def test_acknowledging_again_changes_nothing_and_says_so(any_desk: Desk):
    alarm = await any_desk.raised()
    first = await any_desk.done(f"{alarm}/acknowledge", {"comment": "on my way"})
    assert (first["state"], first["acknowledged"], first["changed"]) == ("acknowledged", True, True)
    assert (first["acknowledged_by"], first["comment"], first["detail"]) == ("olga", "on my way", None)
    again = await any_desk.done(f"{alarm}/acknowledge", who=any_desk.engineer)
    assert (again["changed"], again["acknowledged_by"], again["version"]) == (False, "olga", first["version"])
    assert "by olga at 20" in again["detail"]
    assert await any_desk.journal() == [
        ("raise", "system", "normal", "unacknowledged", None),
        ("acknowledge", "olga", "unacknowledged", "acknowledged", "on my way"),
    ]
    audit = await any_desk.api.fill.run("select principal, action, object from audit")
    assert audit == [("olga", "alarm.acknowledge", alarm)]
    await any_desk.happen(transition(CLEAR, 5))
    assert (await any_desk.done(f"{alarm}/acknowledge"))["detail"] == "nothing to acknowledge"


async def test_two_operators_at_once_leave_one_journal_row(desk: Desk):
    alarm = await desk.raised()
    answers = await asyncio.gather(*[desk.done(f"{alarm}/acknowledge") for _ in range(6)])
    assert sorted(answer["changed"] for answer in answers) == [False] * 5 + [True]
    assert [row[0] for row in await desk.journal()] == ["raise", "acknowledge"]
    other = await desk.raised("hall/fan/speed")
    version = (await desk.api.get(f"/alarms/{other}"))["version"]
    sent = await asyncio.gather(*[desk.post(f"{other}/acknowledge", {"version": version}) for _ in range(6)])
    assert sorted(response.status_code for response in sent) == [200] + [409] * 5
    refusal = next(response.json() for response in sent if response.status_code == 409)
    assert refusal["type"].endswith(":version-conflict")
    assert (refusal["version"], refusal["state"]) == (version + 1, "acknowledged")
    assert f"version {version + 1} (acknowledged" in refusal["detail"]


async def test_the_version_may_come_as_if_match(desk: Desk):
    alarm = await desk.raised()
    shown = await desk.api.client.get(f"/api/v1/alarms/{alarm}")
    assert shown.headers["etag"] == f'"{shown.json()["version"]}"'
    await desk.done(f"{alarm}/comment", {"comment": "hm"})
    stale = await desk.refused(f"{alarm}/acknowledge", {}, **{"If-Match": shown.headers["etag"]})
    assert stale["status"] == 409
    both = await desk.refused(f"{alarm}/acknowledge", {"version": 2}, **{"If-Match": '"1"'})
    assert (both["status"], both["field"]) == (422, "version")
    nonsense = await desk.refused(f"{alarm}/acknowledge", {}, **{"If-Match": '"latest"'})
    assert (nonsense["status"], nonsense["field"]) == (400, "If-Match")
    answer = await desk.post(f"{alarm}/acknowledge", {}, **{"If-Match": 'W/"2"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')
    assert (await desk.post(f"{alarm}/comment", {"comment": "any"}, **{"If-Match": "*"})).status_code == 200


async def test_a_timed_shelf_hides_and_its_end_calls_again(any_desk: Desk):
    alarm = await any_desk.raised()
    await any_desk.done(f"{alarm}/acknowledge")
    shelved = await any_desk.done(f"{alarm}/shelve", {"reason": "sensor is being changed", "duration": "10m"})
    assert (shelved["state"], shelved["shelving"], shelved["suppressed_or_shelved"]) == (
        "shelved",
        "timed_shelved",
        True,
    )
    assert (shelved["shelf"]["by"], shelved["shelf"]["reason"]) == ("olga", "sensor is being changed")
    assert (await any_desk.api.get("/alarms"))["items"] == []
    (item,) = (await any_desk.api.get("/alarms", state="shelved"))["items"]
    assert (item["id"], item["active"], item["acknowledged"]) == (alarm, True, True)
    back = await any_desk.done(f"{alarm}/unshelve")
    assert (back["state"], back["shelf"], back["acknowledged"]) == ("unacknowledged", None, False)
    assert [row[3] for row in await any_desk.journal()] == [
        "unacknowledged",
        "acknowledged",
        "shelved",
        "unacknowledged",
    ]


async def test_a_one_shot_shelf_ends_with_the_active_period(desk: Desk):
    alarm = await desk.raised()
    shelved = await desk.done(f"{alarm}/shelve", {"reason": "known", "duration": "one_shot"})
    assert shelved["shelving"] == "one_shot_shelved"
    assert shelved["shelf"]["until"] is not None, "the maximum bounds a one-shot shelf as well"
    await desk.happen(transition(CLEAR, 4))
    assert (await desk.api.get(f"/alarms/{alarm}"))["state"] == "returned"
    # Part 9 knows the way from one kind to the other, and no second shelf of the same kind.
    await desk.done(f"{alarm}/shelve", {"reason": "r", "duration": "one_shot"})
    assert (await desk.refused(f"{alarm}/shelve", {"reason": "r", "duration": "one_shot"}))["status"] == 409
    timed = await desk.done(f"{alarm}/shelve", {"reason": "r", "duration": "5m"})
    assert timed["shelving"] == "timed_shelved"
    await desk.happen(transition(RAISE, 5), transition(CLEAR, 6))
    assert (await desk.api.get(f"/alarms/{alarm}"))["state"] == "shelved"


async def test_shelves_that_are_refused(desk: Desk):
    alarm = await desk.raised()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"duration": "10m"}, "reason"),
        ({"reason": "  ", "duration": "10m"}, "reason"),
        ({"reason": "r"}, "duration"),
        ({"reason": "r", "duration": "soon"}, "duration"),
        ({"reason": "r", "duration": "0s"}, "duration"),
        ({"reason": "r", "duration": "9h"}, "duration"),
        ({"reason": "r", "duration": "9999999d"}, "duration"),
        ({"reason": "r", "duration": "10m", "forever": True}, "forever"),
    ]
    for body, field in wrong:
        refusal = await desk.refused(f"{alarm}/shelve", body)
        assert (refusal["status"], refusal["field"]) == (422, field)


async def test_out_of_service_needs_an_engineer_and_an_order(desk: Desk):
    alarm = await desk.raised()
    body = {"reason": "transmitter away", "order_number": "WO-4711"}
    assert (await desk.refused(f"{alarm}/out-of-service", body))["status"] == 403
    missing = await desk.refused(f"{alarm}/out-of-service", {"reason": "r"}, desk.engineer)
    assert (missing["status"], missing["field"]) == (422, "order_number")
    out = await desk.done(f"{alarm}/out-of-service", body, desk.engineer)
    assert (out["state"], out["absence"]["order_number"], out["absence"]["by"]) == ("out_of_service", "WO-4711", "eva")
    assert (await desk.refused(f"{alarm}/out-of-service", body, desk.engineer))["status"] == 409
    # The condition is followed all the same.
    await desk.happen(transition(CLEAR, 5), transition(RAISE, 9))
    (item,) = (await desk.api.get("/alarms", state="out_of_service"))["items"]
    assert (item["active"], item["raise_count"]) == (True, 2)
    assert (await desk.refused(f"{alarm}/return"))["status"] == 403
    back = await desk.done(f"{alarm}/return", {"comment": "done"}, desk.engineer)
    assert (back["state"], back["absence"]) == ("unacknowledged", None)
    assert (await desk.refused(f"{alarm}/return", None, desk.engineer))["status"] == 409
    orders = "select event, order_number from alarm_journal where order_number is not null order by id"
    assert await desk.api.fill.run(orders) == [("out_of_service", "WO-4711"), ("return", "WO-4711")]


async def test_a_latched_alarm_is_reset_when_it_is_gone_and_seen(desk: Desk):
    alarm = await desk.raised(rules=LATCHING)
    assert "still holds" in (await desk.refused(f"{alarm}/reset"))["detail"]
    await desk.happen(transition(CLEAR, 5, rules=LATCHING))
    assert (await desk.api.get(f"/alarms/{alarm}"))["state"] == "latched_unacknowledged"
    assert "acknowledge it first" in (await desk.refused(f"{alarm}/reset"))["detail"]
    assert (await desk.done(f"{alarm}/acknowledge"))["state"] == "latched"
    assert [item["id"] for item in (await desk.api.get("/alarms", state="latched"))["items"]] == [alarm]
    assert (await desk.done(f"{alarm}/reset"))["state"] == "normal"
    assert (await desk.refused(f"{alarm}/reset"))["status"] == 409


async def test_comments_and_assignments_are_kept(desk: Desk):
    alarm = await desk.raised()
    await desk.done(f"{alarm}/comment", {"comment": "  seen on the round  "})
    assigned = await desk.done(f"{alarm}/assign", {"assignee": "wang", "comment": "please look"})
    assert (assigned["assignee"], assigned["comment"]) == ("wang", "please look")
    assert (await desk.done(f"{alarm}/assign", {"assignee": None}))["assignee"] is None
    assert [(row[0], row[4]) for row in await desk.journal()][1:] == [
        ("comment", "seen on the round"),
        ("assign", "please look"),
        ("assign", None),
    ]
    assert (await desk.refused(f"{alarm}/comment", {"comment": ""}))["field"] == "comment"


async def test_who_may_not_and_what_is_not_there(desk: Desk):
    alarm = await desk.raised()
    viewer = {"Authorization": desk.api.client.headers["Authorization"]}
    for verb, body in (("acknowledge", {}), ("shelve", {"reason": "r", "duration": "1m"}), ("reset", {})):
        assert (await desk.refused(f"{alarm}/{verb}", body, viewer))["status"] == 403
    assert (await desk.refused(f"{uuid4()}/acknowledge"))["status"] == 404
    assert (await desk.refused("7/acknowledge"))["field"] == "alarm_id"
    assert (await desk.refused(f"{alarm}/acknowledge", {"comment": 7}))["field"] == "comment"
    assert (await desk.refused(f"{alarm}/unshelve"))["status"] == 409
    assert (await desk.api.refused("GET", f"/alarms/{uuid4()}"))["status"] == 404
    assert [row[0] for row in await desk.journal()] == ["raise"]


async def test_many_are_acknowledged_by_their_ids(desk: Desk):
    first, second, third = [await desk.raised(f"hall/pump-{number}/flow") for number in range(3)]
    await desk.done(f"{second}/acknowledge")
    unknown = str(uuid4())
    body = {"ids": [second, first, {"id": third, "version": 9}, unknown, first], "comment": "round"}
    answer = await desk.done("acknowledge", body)
    assert [(item["id"], item["outcome"]) for item in answer["items"]] == [
        (second, "unchanged"),
        (first, "acknowledged"),
        (third, "version_conflict"),
        (unknown, "unknown"),
    ]
    counts = {name: answer[name] for name in ("acknowledged", "unchanged", "version_conflict", "unknown")}
    assert set(counts.values()) == {1}
    assert [row[4] for row in await desk.journal() if row[0] == "acknowledge"] == [None, "round"]
    for wrong in ({}, {"ids": [first], "filter": {}}, {"ids": []}, {"ids": ["x"]}, {"filter": {"state": "all"}}):
        assert (await desk.refused("acknowledge", wrong))["status"] == 422


async def test_many_are_acknowledged_by_a_filter_as_far_as_they_were_seen(desk: Desk):
    await desk.happen(*[transition(RAISE, path=f"hall/pump-{number}/flow") for number in range(20)])
    await desk.happen(*[transition(RAISE, path=f"gate/door-{number}/open", priority="low") for number in range(5)])
    seen = (await desk.api.get("/alarms"))["as_of"]
    await desk.happen(transition(RAISE, path="hall/pump-99/flow"))
    answer = await desk.done("acknowledge", {"filter": {"path": "hall/**", "before": seen}, "comment": "seen"})
    assert (answer["acknowledged"], len(answer["items"])) == (20, 20)
    left = (await desk.api.get("/alarms", state="unacknowledged", sort="path"))["items"]
    assert [item["path"] for item in left][-1] == "hall/pump-99/flow"
    assert len(left) == 6
    assert (await desk.done("acknowledge", {"filter": {"priority": ["low"]}}))["acknowledged"] == 5
    assert (await desk.done("acknowledge", {"filter": {}}))["acknowledged"] == 1
    wrong = await desk.refused("acknowledge", {"filter": {"path": "a//b"}})
    assert (wrong["status"], wrong["field"]) == (422, "path")


async def test_acknowledging_many_and_raising_at_once_never_lock_each_other(desk: Desk):
    paths = [f"hall/pump-{number}/flow" for number in range(60)]
    await desk.happen(*[transition(RAISE, path=path) for path in paths])

    async def chatter(pool: Pool) -> None:
        for round_number in range(5):
            order = paths if round_number % 2 else list(reversed(paths))
            await apply(pool, *[transition(kind, path=path) for path in order for kind in (CLEAR, RAISE)])

    pool = await open_pool(desk.url, 4)
    ids = [str(row[0]) for row in await desk.api.fill.run("select id from alarm order by random()")]
    acks = [desk.done("acknowledge", {"ids": ids if number % 2 else ids[::-1]}) for number in range(6)]
    await asyncio.gather(chatter(pool), chatter(pool), *acks)
    await pool.close()
    versions = (
        "select bool_and(a.version = (select count(*) from alarm_journal j where j.alarm_id = a.id)) from alarm a"
    )
    assert await desk.api.fill.run(versions) == [(True,)]
