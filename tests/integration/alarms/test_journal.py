"""The journal: sealed in the order of commits, without holes, by one process at a time; what was changed is found."""

import asyncio
import contextlib
import json
from typing import Any

import pytest

from cloud_api.alarms.duty import LEASE, AlarmDuty, DutyTimes
from cloud_api.alarms.journal.sealing import JOURNAL_TABLE
from cloud_api.alarms.transitions import apply_transitions
from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, new_owner
from cloud_api.sealing.chain import End, FindingKind
from cloud_api.sealing.sealer import seal
from cloud_api.sealing.verification import verify
from cloud_api.storage.lease import LeaseLost
from cloud_api.storage.pool import Pool, transaction
from tests.fixtures.processes import Processes
from tests.integration.alarms.desk import Desk
from tests.integration.alarms.plant import CLEAR, RAISE, apply, at, transition

QUICK = DutyTimes(seal_s=0.01, look_s=0.02, lease=LeaseTimes(ttl_s=5.0, renew_s=0.5, ask_s=0.02))


async def on_duty(pool: Pool) -> Ownership:
    mine = Ownership(LEASE, new_owner())
    await LeaseKeeper(pool, mine, LeaseTimes()).acquire()
    return mine


async def numbers(pool: Pool) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        query = b"select path, number from alarm_journal where number is not null order by number"
        return await (await connection.execute(query)).fetchall()


async def findings(pool: Pool, anchor: End | None = None) -> list[tuple[FindingKind, int]]:
    async with transaction(pool) as connection:
        return [(each.kind, each.number) for each in (await verify(connection, JOURNAL_TABLE, anchor)).findings]


async def test_rows_are_sealed_in_the_order_in_which_they_were_committed(postgres_pool: Pool):
    mine = await on_duty(postgres_pool)
    async with transaction(postgres_pool) as connection:
        # Written first, with the lower id, and committed last.
        await apply_transitions(connection, [transition(RAISE, path="a/slow")], at(0))
        await apply(postgres_pool, transition(RAISE, path="b/quick"))
        assert await seal(postgres_pool, mine, JOURNAL_TABLE) == 1
    assert await numbers(postgres_pool) == [("b/quick", 1)]
    assert await seal(postgres_pool, mine, JOURNAL_TABLE) == 1
    assert await seal(postgres_pool, mine, JOURNAL_TABLE) == 0
    assert await numbers(postgres_pool) == [("b/quick", 1), ("a/slow", 2)]
    assert await findings(postgres_pool) == []


async def test_who_has_lost_the_lease_seals_nothing(postgres_pool: Pool):
    mine = await on_duty(postgres_pool)
    await apply(postgres_pool, transition(RAISE))
    async with postgres_pool.connection() as connection:
        await connection.execute(b"update lease set owner = null, token = token + 1 where name = 'alarm_journal'")
    with pytest.raises(LeaseLost):
        await seal(postgres_pool, mine, JOURNAL_TABLE)
    assert await numbers(postgres_pool) == []


async def test_what_was_changed_behind_the_services_back_is_found(pool: Pool):
    mine = await on_duty(pool)
    for number in range(6):
        await apply(pool, transition(RAISE if number % 2 == 0 else CLEAR, number))
    await seal(pool, mine, JOURNAL_TABLE)
    assert await findings(pool) == []
    async with transaction(pool) as connection:
        end = (await verify(connection, JOURNAL_TABLE, None)).end

    async def tampered(query: str) -> list[tuple[FindingKind, int]]:
        """What is found after somebody with the power to do so has switched the triggers off."""
        async with pool.connection() as connection, connection.transaction(force_rollback=True):
            await connection.execute(b"alter table alarm_journal disable trigger user")
            await connection.execute(query.encode())
            return [(each.kind, each.number) for each in (await verify(connection, JOURNAL_TABLE, end)).findings]

    assert await tampered("update alarm_journal set who = 'nobody' where number = 3") == [(FindingKind.CHANGED, 3)]
    slightly = "update alarm_journal set value = value + 1e-9 where number = 2"
    assert await tampered(slightly) == [(FindingKind.CHANGED, 2)]
    assert await tampered("delete from alarm_journal where number = 4") == [(FindingKind.MISSING, 4)]
    assert await tampered("delete from alarm_journal where number > 4") == [
        (FindingKind.CUT_OFF, 5),
        (FindingKind.CUT_OFF, 5),
    ]
    assert await tampered("update alarm_journal_head set number = 7") == [(FindingKind.CUT_OFF, 7)]
    assert await findings(pool) == []


async def test_the_command_says_whether_the_journal_is_whole(
    postgres_pool: Pool, postgres_url: str, processes: Processes
):
    async def command(language: str, *arguments: str) -> tuple[int, str]:
        words = ("cloud", "journal", "verify", *arguments, "--lang", language)
        child = processes.millstream(*words, MILLSTREAM_DATABASE_URL=postgres_url).start()
        return await asyncio.to_thread(child.wait), child.text()

    mine = await on_duty(postgres_pool)
    await apply(postgres_pool, transition(RAISE), transition(CLEAR, 1))
    await seal(postgres_pool, mine, JOURNAL_TABLE)
    await apply(postgres_pool, transition(RAISE, 2))
    code, text = await command("en")
    assert (code, "The journal is whole: 2 rows" in text, "1 rows wait" in text) == (0, True, True)
    end = text.split()[-1]
    async with postgres_pool.connection() as connection:
        await connection.execute(b"alter table alarm_journal disable trigger user")
        await connection.execute(b"update alarm_journal set comment = 'never said' where number = 1")
    (code, text), (code_json, shown), (code_wrong, _) = await asyncio.gather(
        command("zh", "--anchor", end), command("en", "--json"), command("en", "--anchor", "7")
    )
    assert (code, "序号 1：该行与封存时不一致" in text, "报警记录不完整" in text) == (1, True, True)
    assert (code_json, json.loads(shown)["findings"][0]["kind"]) == (1, "changed")
    assert code_wrong == 2


async def test_a_sealer_that_is_killed_leaves_no_hole_and_no_double(
    postgres_pool: Pool, postgres_url: str, processes: Processes
):
    environment = {"MILLSTREAM_DATABASE_URL": postgres_url, "MILLSTREAM_HTTP_PORT": "0"}
    sealers = [
        processes.millstream("cloud", "run", "--role", "alarms", name=f"alarms-{number}", **environment).start()
        for number in range(2)
    ]
    written = 0

    async def write() -> None:
        nonlocal written
        while True:
            kinds = (RAISE, CLEAR) * 20
            await apply(postgres_pool, *[transition(kind, path=f"hall/pump-{written % 7}/p") for kind in kinds])
            written += len(kinds)
            await asyncio.sleep(0.01)

    async def sealed() -> int:
        return len(await numbers(postgres_pool))

    async def until(count: int) -> None:
        async with asyncio.timeout(60):
            while await sealed() < count:
                await asyncio.sleep(0.02)

    writing = asyncio.create_task(write())
    for kill in range(2):
        await until(await sealed() + 1)
        victim = sealers[kill % 2]
        victim.kill()
        victim.start()
    writing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writing
    async with postgres_pool.connection() as connection:
        ((count,),) = await (await connection.execute(b"select count(*) from alarm_journal")).fetchall()
    await until(count)
    assert [row[1] for row in await numbers(postgres_pool)] == list(range(1, count + 1))
    assert await findings(postgres_pool) == []


async def test_shelves_end_by_themselves_whoever_is_on_duty(desk: Desk, postgres_pool: Pool):
    first, second = await desk.raised("a/b"), await desk.raised("c/d")
    for alarm in (first, second):
        await desk.done(f"{alarm}/shelve", {"reason": "r", "duration": "1h"})
    await desk.api.fill.run("update alarm set shelved_until = now() - interval '1 second' where id = %s", first)

    async def state(alarm: str) -> str:
        return str((await desk.api.get(f"/alarms/{alarm}"))["state"])

    async def on_duty_until(alarm: str) -> None:
        duty = asyncio.create_task(AlarmDuty(postgres_pool, QUICK).run())
        async with asyncio.timeout(30):
            while await state(alarm) == "shelved":
                await asyncio.sleep(0.02)
        duty.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await duty

    await on_duty_until(first)
    assert (await state(first), await state(second)) == ("unacknowledged", "shelved")
    # Nobody was on duty when this one was due; who comes next ends it.
    await desk.api.fill.run("update alarm set shelved_until = now() - interval '1 day' where id = %s", second)
    await on_duty_until(second)
    ended = await desk.api.fill.run(
        "select event, who, note from alarm_journal where who = 'system' and event = 'unshelve'"
    )
    assert ended == [("unshelve", "system", "shelf_expired")] * 2


async def test_the_journal_is_read_by_pages_of_sealed_rows(desk: Desk, postgres_pool: Pool):
    alarm = await desk.raised()
    await desk.done(f"{alarm}/acknowledge", {"comment": "seen"})
    await desk.happen(
        transition(CLEAR, 60), transition(RAISE, 1, path="gate/door/open", is_late=True, status=0x80000000)
    )
    assert (await desk.api.get("/alarms/journal"))["items"] == [], "not sealed yet"
    await seal(postgres_pool, await on_duty(postgres_pool), JOURNAL_TABLE)
    pages = [items async for items in desk.api.pages("/alarms/journal", limit=3)]
    assert [item["number"] for items in pages for item in items] == [4, 3, 2, 1]
    after, clear, ack, first = (item for items in pages for item in items)
    assert (after["late"], after["event"], after["status"]) == (True, "raise", 0x80000000)
    assert (ack["who"], ack["comment"], ack["from"], ack["to"]) == ("olga", "seen", "unacknowledged", "acknowledged")
    assert (first["at"], first["value"], first["limit"], first["priority"]) == (
        "2026-01-31T08:00:00.000000Z",
        7.25,
        7.0,
        "high",
    )
    assert clear["recorded_at"] > clear["at"]

    async def found(**filters: Any) -> list[int]:
        return [item["number"] for item in (await desk.api.get("/alarms/journal", **filters))["items"]]

    assert await found(alarm=alarm) == [3, 2, 1]
    assert await found(path="gate/**") == [4]
    assert await found(event=["raise", "acknowledge"]) == [4, 2, 1]
    assert await found(**{"from": "2026-01-31T08:00:01Z", "to": "2026-01-31T08:01:00Z"}) == [4]
    for wrong in ({"alarm": "7"}, {"from": "yesterday"}, {"event": "boom"}, {"limit": "0"}):
        assert (await desk.api.refused("GET", "/alarms/journal", params=wrong))["status"] == 400
