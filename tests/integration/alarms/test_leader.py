"""The alarm leader: conditions of several series, silence, clocks and suppression, once, by a stored cursor."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from cloud_api.alarms.definitions import service
from cloud_api.alarms.definitions.instances import Actor
from cloud_api.alarms.definitions.models import Definition
from cloud_api.alarms.evaluation.inline import InlineEvaluation
from cloud_api.alarms.leader import AlarmLeader
from cloud_api.leases import LeaseKeeper, LeaseTimes
from cloud_api.storage.pool import transaction
from cloud_api.telemetry import Lane
from schemas.sample import Kind
from tests.integration.ingest.conftest import NOW_US, Rig, batch, column, running_rig

S = 1_000_000
T0 = NOW_US // S * S - 3_600 * S
TAGS = ("hall/press/oil", "hall/press/setpoint", "hall/pump/running", "hall/press/count")
DEVICES = {"press": ("hall/press/oil", "hall/press/setpoint", "hall/press/count"), "pump": ("hall/pump/running",)}
BAD = 0x80000000


@dataclass
class Plant:
    """A rig with a leader, and an agent with two devices."""

    rig: Rig
    leader: AlarmLeader
    seq: int = 0

    async def feed(
        self,
        *samples: tuple[int, float, float | None],
        press: float | None = None,
        pump: float | None = None,
        lane: Lane = Lane.LIVE,
    ) -> None:
        """Samples (tag, second, value), and how far the devices were measured."""
        self.seq += 1
        columns = [
            column(Kind.F64, [tag], [T0 + round(second * S)], [value])
            if value is not None
            else column(Kind.NONE, [tag], [T0 + round(second * S)], None, [BAD])
            for tag, second, value in samples
        ]
        marks = {"press": press, "pump": pump}
        until = {name: T0 + round(second * S) for name, second in marks.items() if second is not None}
        await self.rig.take(batch(self.seq, columns, tags=TAGS, until=until), lane=lane)

    async def step(self, second: float) -> None:
        """Let the leader step at an instant, until it has caught up."""
        while await self.leader.step(T0 + round(second * S)):
            pass

    async def put(self, *definitions: dict[str, Any]) -> None:
        async with transaction(self.rig.pool) as connection:
            wanted = [Definition.model_validate(each) for each in definitions]
            await service.apply(connection, wanted, Actor("test", time.time_ns() // 1000), is_pruning=True)

    async def journal(self) -> list[tuple[Any, ...]]:
        return await self.rig.rows(
            "select event, (extract(epoch from at) * 1000000)::bigint - %s, name, is_late from alarm_journal"
            " where event not in ('retire') order by id",
            T0,
        )

    async def notes(self) -> list[str | None]:
        return [row[0] for row in await self.rig.rows("select note from alarm_journal order by id")]


@asynccontextmanager
async def leading(rig: Rig) -> AsyncGenerator[AlarmLeader]:
    leader = AlarmLeader(rig.pool)
    keeper = LeaseKeeper(rig.pool, leader._mine, LeaseTimes(ttl_s=60.0, renew_s=20.0, ask_s=0.05))
    await keeper.acquire()
    leader._ingest_since_s = -1000.0
    try:
        yield leader
    finally:
        await keeper.release()


@pytest.fixture
async def plant(engine_url: str) -> AsyncGenerator[Plant]:
    async with running_rig(engine_url, evaluate=InlineEvaluation()) as rig, leading(rig) as leader:
        found = Plant(rig, leader)
        await found.feed(*((tag, 0, 0.0) for tag in range(len(TAGS))))
        for device, paths in DEVICES.items():
            await rig.rows("update series set device = %s where path = any(%s) returning 1", device, list(paths))
        yield found


def definition(name: str, condition: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "target": {"path": "hall/press/oil"}, "condition": condition} | more


JOINT = definition(
    "hot while running",
    {
        "kind": "expression",
        "expression": "oil > $hot and running",
        "inputs": {"oil": "./oil", "running": "hall/pump/running"},
    },
    variables={"hot": 60},
)


async def test_an_expression_is_evaluated_at_the_joint_until_of_its_inputs(plant: Plant) -> None:
    await plant.put(JOINT)
    await plant.feed(press=1, pump=1)
    await plant.step(2)
    await plant.feed((0, 3, 80.0), press=10)
    await plant.step(10)
    assert await plant.journal() == [], "the pump may still say something about the time before"
    await plant.feed((2, 5, 1.0), pump=8)
    await plant.step(11)
    assert await plant.journal() == [("raise", 5 * S, "hot while running", False)]
    await plant.feed((0, 11, 50.0), press=12, pump=12)
    await plant.step(13)
    assert (await plant.journal())[1:] == [("clear", 11 * S, "hot while running", False)]


async def test_a_leader_that_takes_over_goes_on_where_the_other_ended(plant: Plant) -> None:
    await plant.put(JOINT)
    await plant.feed((2, 1, 1.0), press=1, pump=1)
    await plant.step(2)
    await plant.feed((0, 3, 80.0), (0, 4, 50.0), (0, 5, 80.0), press=10, pump=10)
    await plant.rig.rows("update lease set owner = null, token = token + 1 where name = 'alarms' returning 1")
    with pytest.raises(Exception, match="owner"):
        await plant.step(11)
    async with leading(plant.rig) as successor:
        plant.leader = successor
        for _ in range(3):
            await plant.step(12)
    assert [row[:2] for row in await plant.journal()] == [("raise", 3 * S), ("clear", 4 * S), ("raise", 5 * S)]


async def test_deviation_follows_its_setpoint(plant: Plant) -> None:
    await plant.put(definition("deviates", {"kind": "deviation", "setpoint": "./setpoint", "hi": {"limit": 5}}))
    await plant.feed((0, 1, 50.0), (1, 1, 48.0), press=1)
    await plant.step(2)
    await plant.feed((1, 5, 40.0), press=6)
    await plant.step(7)
    assert await plant.journal() == [("raise", 5 * S, "deviates", False)]
    rows = await plant.rig.rows("select value, limit_value, level from alarm_journal")
    assert rows == [(10.0, 5.0, "hi")]
    await plant.feed((1, 8, None), (1, 9, 47.0), press=10)
    await plant.step(11)
    assert (await plant.journal())[1:] == [("clear", 9 * S, "deviates", False)]


async def test_stale_and_stopped_counters_are_told_at_the_end_of_their_interval(plant: Plant) -> None:
    await plant.put(
        definition("silent", {"kind": "stale", "after_s": 10}),
        definition("stopped", {"kind": "counter_stopped", "after_s": 20}, target={"path": "hall/press/count"}),
    )
    await plant.feed((0, 1, 1.0), (3, 1, 1.0), press=1)
    await plant.step(2)
    await plant.feed((0, 9, 1.0), (3, 5, 2.0), (3, 10, 2.0), (3, 15, 2.0), press=19)
    await plant.step(20)
    assert await plant.journal() == [("raise", 19 * S, "silent", False)]
    await plant.feed((0, 25, 1.0), press=26)
    await plant.step(27)
    assert (await plant.journal())[1:] == [
        ("clear", 25 * S, "silent", False),
        ("raise", 25 * S, "stopped", False),
    ]
    await plant.feed((3, 27, 3.0), (0, 28, 1.0), press=28)
    await plant.step(29)
    assert (await plant.journal())[3:] == [("clear", 27 * S, "stopped", False)]


async def test_silence_of_an_agent_is_waited_for_and_the_journal_says_so(plant: Plant) -> None:
    await plant.put(
        definition("silent", {"kind": "stale", "after_s": 10}),
        definition("hot", {"kind": "limit", "hi": {"limit": 60}}, on_delay_s=5),
    )
    await plant.feed((0, 1, 80.0), press=1)
    await plant.step(2)
    await plant.step(15.9)
    assert await plant.journal() == []
    await plant.step(16)
    assert await plant.journal() == [("raise", 6 * S, "hot", False)]
    await plant.step(21)
    assert (await plant.journal())[1:] == [("raise", 11 * S, "silent", False)]
    assert all(note is not None and "wall clock" in note for note in await plant.notes())
    await plant.feed((0, 22, 50.0), press=22)
    await plant.step(23)
    assert sorted((await plant.journal())[2:]) == [("clear", 22 * S, "hot", False), ("clear", 22 * S, "silent", False)]


async def test_while_nobody_owns_ingest_silence_says_nothing(plant: Plant) -> None:
    await plant.put(definition("silent", {"kind": "stale", "after_s": 10}))
    await plant.feed((0, 1, 80.0), press=1)
    await plant.step(2)
    await plant.rig.rows("update lease set expires_at = '-infinity' where name = 'ingest' returning 1")
    await plant.step(500)
    assert await plant.journal() == []


async def test_new_series_get_their_places(plant: Plant) -> None:
    glob = {"path": "hall/**/running"}
    await plant.put(definition("off", {"kind": "discrete", "states": [0]}, target=glob))
    assert [row[0] for row in await plant.rig.rows("select instance from alarm_instance")] == ["hall/pump/running"]
    await plant.rig.take(
        batch(1, [column(Kind.BOOL, [0], [T0 + S], [False])], tags=("hall/fan/running",), agent="gw-2"), agent="gw-2"
    )
    plant.leader._looked_s = -10.0
    await plant.step(2)
    rows = await plant.rig.rows("select instance from alarm_instance order by 1")
    assert [row[0] for row in rows] == ["hall/fan/running", "hall/pump/running"]
    active = await plant.rig.rows("select instance from alarm where is_active order by 1")
    assert [row[0] for row in active] == ["hall/fan/running", "hall/pump/running"], "what holds already is raised"


async def test_late_samples_of_an_input_are_told_and_what_they_say_of_now_counts(plant: Plant) -> None:
    await plant.put(JOINT)
    await plant.feed((2, 1, 1.0), (0, 1, 50.0), press=1, pump=1)
    await plant.step(2)
    await plant.feed(press=100, pump=100)
    await plant.step(100)
    await plant.feed((0, 20, 80.0), (0, 30, 50.0), (0, 40, 90.0), lane=Lane.BACKLOG)
    await plant.step(101)
    journal = await plant.journal()
    assert [row for row in journal if row[3]] == [
        ("raise", 20 * S, "hot while running", True),
        ("clear", 30 * S, "hot while running", True),
    ]
    assert [row[:2] for row in journal if not row[3]] == [("raise", 40 * S)]


async def test_a_design_rule_suppresses_while_it_holds(plant: Plant) -> None:
    rule = {"when": "not running", "inputs": {"running": "hall/pump/running"}}
    await plant.put(definition("hot", {"kind": "limit", "hi": {"limit": 60}}, suppression=rule))
    await plant.step(1)
    await plant.feed((0, 2, 80.0), press=2)
    assert await plant.rig.rows("select state, suppressed_by from alarm") == [("suppressed", "not running")]
    await plant.feed((2, 3, 1.0), pump=3)
    await plant.step(4)
    assert await plant.rig.rows("select state, suppressed_by from alarm") == [("unacknowledged", None)]
    assert [row[0] for row in await plant.journal()] == ["suppress", "raise", "unsuppress"]


@pytest.mark.parametrize("has_cause", [True, False])
async def test_a_group_shows_its_cause_and_suppresses_the_rest(plant: Plant, has_cause: bool) -> None:
    group = {"name": "press"}
    hot = {"kind": "limit", "hi": {"limit": 60}}
    await plant.put(
        definition("first", hot, suppression={"group": group | {"is_cause": has_cause}}),
        definition("second", hot, target={"path": "hall/press/setpoint"}, suppression={"group": group}),
    )
    await plant.step(1)
    await plant.feed((0, 2, 80.0), press=2)
    await plant.step(3)
    await plant.feed((1, 4, 80.0), press=4)
    states = "select name, state from alarm order by 1"
    assert await plant.rig.rows(states) == [("first", "unacknowledged"), ("second", "suppressed")]
    await plant.feed((0, 6, 10.0), press=6)
    await plant.step(7)
    shown = [("first", "returned"), ("second", "unacknowledged")]
    assert await plant.rig.rows(states) == shown, "what waits for somebody does not vanish"
