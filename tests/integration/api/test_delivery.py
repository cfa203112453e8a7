"""The proof of delivery: every batch number of a window is stored, rejected, declared lost or open."""

from typing import Any

from tests.integration.api.service import Api, at, shown

EPOCHS = ("00000000000000000000000000000001", "00000000000000000000000000000002")


async def ledger(api: Api, epoch: int, created: float, updated: float, **ranges: str) -> None:
    await api.fill.run(
        "insert into ledger (agent, epoch, created_at, updated_at, stored, rejected, lost)"
        " values ('gw-1', %s, %s, %s, %s, %s, %s)",
        EPOCHS[epoch],
        at(created),
        at(updated),
        *(ranges.get(name, "{}") for name in ("stored", "rejected", "lost")),
    )


async def mark(api: Api, epoch: int, second: float, seq: int) -> None:
    query = "insert into ledger_mark (agent, epoch, slot_at, at, seq) values ('gw-1', %s, %s, %s, %s)"
    await api.fill.run(query, EPOCHS[epoch], at(second), at(second), seq)


async def heard(api: Api, until: float, health: float, **said: Any) -> None:
    await api.fill.run("delete from agent_until")
    await api.fill.run("delete from agent")
    await api.fill.run("insert into agent_until values ('gw-1', 'a', %s), ('gw-1', 'b', %s)", at(until), at(until + 5))
    oldest = f'"{shown(at(said["oldest"]))}"' if "oldest" in said else "null"
    await api.fill.run(
        "insert into agent (id, state, state_at, health, health_at) values ('gw-1', 'online', %s, %s, %s)",
        at(said.get("online", -9_000)),
        f'{{"backlog_batches": 7, "oldest_at": {oldest}}}',
        at(health),
    )


async def delivery(api: Api, low: float, high: float) -> dict[str, Any]:
    return await api.get("/agents/gw-1/delivery", **{"from": shown(at(low)), "to": shown(at(high))})


async def test_marks_say_which_numbers_belong_to_a_window(api: Api):
    await ledger(api, 0, 0, 4_000, stored="{[1,100),[105,401)}", rejected="{[100,101)}", lost="{[101,105)}")
    for second, seq in ((0, 1), (900, 90), (1_800, 180), (2_700, 270), (3_600, 360)):
        await mark(api, 0, second, seq)
    await heard(api, 3_990, 4_000)
    clean = await delivery(api, 1_800, 2_600)
    assert clean["statement"] == f"0 batches missing between {shown(at(1_800))} and {shown(at(2_600))}"
    assert (clean["verdict"], clean["stored"], clean["open"], clean["lost"]) == ("complete", 90, 0, 0)
    assert [(epoch["first"], epoch["last"]) for epoch in clean["epochs"]] == [(181, 270)]
    # The end's own mark may be of a batch that was late: the next one is taken.
    assert (await delivery(api, 1_800, 2_650))["epochs"][0]["last"] == 360
    lossy = await delivery(api, 950, 1_000)
    assert (lossy["verdict"], lossy["stored"], lossy["rejected"], lossy["lost"]) == ("declared_lost", 85, 1, 4)
    assert lossy["statement"].startswith("4 batches missing")
    assert (await delivery(api, 3_900, 5_000))["verdict"] == "unknown"


async def test_numbers_that_have_not_come_are_open(api: Api):
    await ledger(api, 0, 0, 1_000, stored="{[1,50)}")
    await ledger(api, 1, 1_100, 4_000, stored="{[1,3),[6,9)}")
    await heard(api, 3_990, 4_000)
    found = await delivery(api, 0, 3_900)
    assert (found["verdict"], found["open"], found["stored"]) == ("open", 3, 54)
    assert found["epochs"][1]["open_ranges"] == [[3, 5]]
    # The second epoch's first batches were made after the first one's last.
    assert [epoch["epoch"] for epoch in (await delivery(api, 100, 900))["epochs"]] == [EPOCHS[0]]


async def test_what_waits_in_the_outbox_is_not_called_complete(api: Api):
    await ledger(api, 0, 0, 4_000, stored="{[1,50)}")
    await heard(api, 3_990, 4_000, oldest=1_000)
    waiting = await delivery(api, 0, 3_900)
    assert (waiting["verdict"], waiting["why"]) == ("open", "7 batches wait in the agent's outbox")
    assert (await delivery(api, 0, 900))["verdict"] == "complete"
    # Back since a moment, and nothing said yet of what waits.
    await heard(api, 3_990, 3_000, online=3_500)
    assert (await delivery(api, 0, 3_900))["verdict"] == "unknown"
    await heard(api, 100, 4_000)
    behind = await delivery(api, 0, 3_900)
    assert (behind["verdict"], behind["known_until"]) == ("unknown", shown(at(100)))


async def test_an_agent_that_was_never_heard_is_not_found(postgres_api: Api):
    window = {"from": shown(at()), "to": shown(at(1))}
    assert (await postgres_api.refused("GET", "/agents/nobody/delivery", params=window))["status"] == 404
    assert (await postgres_api.refused("GET", "/agents/nobody/delivery", params={"to": "x"}))["status"] == 400
