"""Slots: turns go from caller to caller, waiting ends, and nothing of it leaks a slot."""

import asyncio

import pytest

from cloud_api import slots as module
from cloud_api.problems import Problem
from cloud_api.slots import Slots


async def hold(slots: Slots, caller: str, order: list[str]) -> None:
    """Take a turn and say so."""
    async with slots.slot(caller):
        order.append(caller)
        await asyncio.sleep(0)


async def test_a_caller_with_many_requests_waits_behind_itself():
    slots, order = Slots(1, 60), list[str]()
    async with slots.slot("first"):
        tasks = [asyncio.create_task(hold(slots, caller, order)) for caller in ("a", "a", "a", "b", "c", "b")]
        while slots.waiting_count < len(tasks):
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c", "a", "b", "a"]
    assert slots.waiting_count == 0


async def test_who_waits_too_long_is_told_when_to_come_again():
    slots = Slots(1, 0.01)
    async with slots.slot("a"):
        with pytest.raises(Problem) as refused:
            async with slots.slot("b"):
                pass
    assert refused.value.kind.status == 429
    assert int(refused.value.headers["Retry-After"]) >= 1
    async with slots.slot("b"):
        assert slots.waiting_count == 0


async def test_who_gives_up_takes_no_slot_along():
    slots, order = Slots(2, 60), list[str]()
    async with slots.slot("a"), slots.slot("a"):
        gone = [asyncio.create_task(hold(slots, "b", order)) for _ in range(3)]
        stays = asyncio.create_task(hold(slots, "c", order))
        while slots.waiting_count < 4:
            await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
    await stays
    assert order == ["c"]
    async with slots.slot("a"), slots.slot("a"):
        pass


async def test_a_turn_that_came_while_its_owner_was_cancelled_goes_on():
    slots, order = Slots(1, 60), list[str]()
    async with slots.slot("a"):
        gone = asyncio.create_task(hold(slots, "b", order))
        stays = asyncio.create_task(hold(slots, "c", order))
        while slots.waiting_count < 2:
            await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    await stays
    assert order == ["c"]


async def test_a_queue_that_is_too_long_takes_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_WAITING", 1)
    slots = Slots(1, 60)
    async with slots.slot("a"):
        waiting = asyncio.create_task(hold(slots, "b", []))
        while slots.waiting_count < 1:
            await asyncio.sleep(0)
        with pytest.raises(Problem):
            async with slots.slot("c"):
                pass
    await waiting
