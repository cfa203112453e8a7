"""Alarms on single series are evaluated in the samples' own transaction, by the definitions that are in force then."""

import time
from typing import Any

import pytest

from cloud_api.alarms.definitions import service
from cloud_api.alarms.definitions.instances import Actor
from cloud_api.alarms.definitions.models import Definition
from cloud_api.alarms.evaluation.inline import InlineEvaluation
from cloud_api.storage.alarms import select_alarms_by_id
from cloud_api.storage.pool import transaction
from cloud_api.telemetry import Lane
from schemas.batch import Gap
from schemas.sample import Kind
from tests.integration.ingest.conftest import NOW_US, Rig, batch, column, running_rig

S = 1_000_000
T0 = NOW_US // S * S - 600 * S
BAD = 0x80000000
TAGS = ("hall/press/oil", "hall/press/mode", "hall/press/level")


def definition(**changes: Any) -> Definition:
    usual: dict[str, Any] = {
        "name": "oil hot",
        "target": {"path": "hall/press/oil"},
        "condition": {"kind": "limit", "hi": {"limit": 90.0, "priority": "high"}, "deadband": 2.0},
        "on_delay_s": 5,
        "message": {"en": "oil {value:.1f} above {limit}", "zh": "油温 {value:.1f}"},
    }
    return Definition.model_validate(usual | changes)


async def put(rig: Rig, *definitions: Definition) -> service.Difference:
    async with transaction(rig.pool) as connection:
        return await service.apply(connection, definitions, Actor("test", time.time_ns() // 1000), is_pruning=True)


class Feed:
    """Numbers the batches of one agent."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.seq = 0

    async def __call__(
        self,
        *samples: tuple[float, float | None],
        tag: int = 0,
        until: float | None = None,
        lane: Lane = Lane.LIVE,
        gaps: tuple[Gap, ...] = (),
    ) -> None:
        self.seq += 1
        columns = []
        for at_s, value in samples:
            status = None if value is not None else [BAD]
            kind = Kind.F64 if value is not None else Kind.NONE
            columns.append(column(kind, [tag], [T0 + round(at_s * S)], None if value is None else [value], status))
        marks = {} if until is None else {"press": T0 + round(until * S)}
        await self.rig.take(batch(self.seq, columns, tags=TAGS, until=marks, gaps=gaps), lane=lane)


async def journal(rig: Rig) -> list[tuple[Any, ...]]:
    return await rig.rows(
        "select event, (extract(epoch from at) * 1000000)::bigint - %s, value, level, is_late from alarm_journal"
        " where event in ('raise', 'clear', 'level', 'retire') order by id",
        T0,
    )


@pytest.fixture
async def rig_and_feed(engine_url: str) -> Any:
    async with running_rig(engine_url, evaluate=InlineEvaluation()) as rig:
        yield rig, Feed(rig)


async def test_a_raise_commits_with_the_sample_that_caused_it(rig_and_feed: tuple[Rig, Feed]) -> None:
    rig, feed = rig_and_feed
    await feed((0, 50.0))
    assert (await put(rig, definition(on_delay_s=0))).created == ["oil hot"]
    await feed((1, 95.0))
    assert await journal(rig) == [("raise", 1 * S, 95.0, "hi", False)]
    ((message, state),) = await rig.rows("select message_en, state from alarm")
    assert (message, state) == ("oil 95.0 above 90", "unacknowledged")
    await feed((2, 89.0), (3, 88.0))
    assert (await journal(rig))[1:] == [("clear", 3 * S, 88.0, "hi", False)]


async def test_a_delay_ends_when_until_reaches_it(rig_and_feed: tuple[Rig, Feed]) -> None:
    rig, feed = rig_and_feed
    await feed((0, 50.0))
    await rig.rows("update series set device = 'press' returning 1")
    await put(rig, definition())
    await feed((10, 95.0), until=14.9)
    assert await journal(rig) == []
    await feed(until=15.0)
    assert await journal(rig) == [("raise", 15 * S, 95.0, "hi", False)]


async def test_a_changed_definition_counts_from_the_next_sample_on(rig_and_feed: tuple[Rig, Feed]) -> None:
    rig, feed = rig_and_feed
    await feed((0, 50.0))
    await put(rig, definition(on_delay_s=0))
    await feed((1, 70.0))
    await put(rig, definition(on_delay_s=0, condition={"kind": "limit", "hi": {"limit": 60.0}}))
    ((event, _, value, _, _),) = await journal(rig)
    assert (event, value) == ("raise", 70.0), "what holds when the definition changes is raised then"
    await put(rig, definition(on_delay_s=0, condition={"kind": "limit", "hi": {"limit": 80.0}}))
    assert [row[0] for row in await journal(rig)] == ["raise", "clear"]
    await feed((2, 81.0))
    assert [row[0] for row in await journal(rig)] == ["raise", "clear", "raise"]
    await put(rig)
    assert [row[0] for row in await journal(rig)] == ["raise", "clear", "raise", "retire"]
    await feed((3, 10.0), (4, 99.0))
    assert len(await journal(rig)) == 4


async def test_a_condition_that_holds_when_it_is_defined_is_raised(rig_and_feed: tuple[Rig, Feed]) -> None:
    rig, feed = rig_and_feed
    await feed((0, 95.0))
    await put(rig, definition(on_delay_s=0))
    assert await journal(rig) == [("raise", 0, 95.0, "hi", False)]


async def test_backlog_is_told_as_late_and_alters_nothing(rig_and_feed: tuple[Rig, Feed]) -> None:
    rig, feed = rig_and_feed
    await feed((0, 50.0))
    await put(rig, definition(on_delay_s=0))
    await feed((100, 50.0))
    await feed((40, 95.0), (60, 70.0), lane=Lane.BACKLOG)
    assert await journal(rig) == [("raise", 40 * S, 95.0, "hi", True), ("clear", 60 * S, 70.0, "hi", True)]
    assert await rig.rows("select is_active, state from alarm") == [(False, "normal")]
    await feed((110, 95.0), (120, 95.0), lane=Lane.BACKLOG)
    assert (await journal(rig))[2:] == [("raise", 110 * S, 95.0, "hi", False)], "it still holds: raised now"


async def test_bad_holds_the_state_and_counts_as_bad_quality(rig_and_feed: tuple[Rig, Feed]) -> None:
    rig, feed = rig_and_feed
    await feed((0, 50.0))
    poor = definition(name="oil unseen", condition={"kind": "bad_quality"}, on_delay_s=0, message={})
    await put(rig, definition(on_delay_s=0), poor)
    await feed((1, 95.0), (2, None), (3, 95.0))
    assert [row[:2] for row in await journal(rig)] == [("raise", 1 * S), ("raise", 2 * S), ("clear", 3 * S)]


async def test_discrete_and_rate_conditions(rig_and_feed: tuple[Rig, Feed]) -> None:
    rig, feed = rig_and_feed
    await feed((0, 0.0), tag=1)
    await feed((0, 0.0), tag=2)
    mode = definition(
        name="fault",
        target={"path": "hall/press/mode"},
        condition={"kind": "discrete", "states": [4], "labels": {"4": {"en": "in fault", "zh": "故障"}}},
        message={"en": "press {label}", "zh": "压机{label}"},
        on_delay_s=0,
    )
    level = definition(
        name="level falls",
        target={"path": "hall/*/level"},
        condition={"kind": "rate", "per": "second", "lo": {"limit": -2.0}},
        message={},
        on_delay_s=0,
    )
    await rig.rows("update series set unit = 'mm' where path = 'hall/press/level' returning 1")
    await put(rig, mode, level)
    for second in range(1, 6):
        await feed((second, 3.0 + (second == 4)), tag=1)
        await feed((second, 10.0 - second - (5 if second == 3 else 0)), tag=2)
    rows = await rig.rows("select name, event, message_zh, message_en from alarm_journal order by at, name")
    assert [row[:2] for row in rows] == [
        ("level falls", "raise"),
        ("fault", "raise"),
        ("level falls", "clear"),
        ("fault", "clear"),
    ]
    assert rows[1][2] == "压机故障"
    assert rows[0][3] == "level falls: rate -6 mm/s below -2 mm/s"
    ids = [row[0] for row in await rig.rows("select id from alarm")]
    async with rig.pool.connection() as connection:
        alarms = await select_alarms_by_id(connection, ids)
    assert {alarm.name: alarm.unit for alarm in alarms} == {"level falls": "mm/s", "fault": None}


async def test_quiet_samples_write_no_state(rig_and_feed: tuple[Rig, Feed]) -> None:
    rig, feed = rig_and_feed
    await feed((0, 50.0))
    await put(rig, definition(on_delay_s=0))
    before = await rig.rows("select xmin::text from alarm_state")
    for second in range(1, 20):
        await feed((second, 50.0 + second))
    assert await rig.rows("select xmin::text from alarm_state") == before
