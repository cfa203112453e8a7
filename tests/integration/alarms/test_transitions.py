"""What evaluation found becomes alarms and journal, in one transaction, in order."""

from typing import Any

import pytest
from psycopg.errors import InsufficientPrivilege

from cloud_api.alarms.transitions import AlarmRules, Place, ensure_alarms, retire_alarms
from cloud_api.storage.pool import Pool, transaction
from tests.integration.alarms.plant import CLEAR, LEVEL, PUMP, RAISE, SUPPRESS, UNSUPPRESS, apply, at, transition


async def rows(pool: Pool, query: str) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        return await (await connection.execute(query.encode())).fetchall()


JOURNAL = "select event, from_state, to_state, alarm_version from alarm_journal order by id"


async def test_a_raise_makes_the_alarm_and_a_clear_returns_it(pool: Pool):
    await apply(pool, transition(RAISE, 1), transition(CLEAR, 5, value=6.5), transition(RAISE, 9, value=7.5))
    assert await rows(pool, "select state, raised_at, cleared_at, raise_count, value, version from alarm") == [
        ("unacknowledged", at(9), None, 2, 7.5, 3)
    ]
    assert await rows(pool, JOURNAL) == [
        ("raise", "normal", "unacknowledged", 1),
        ("clear", "unacknowledged", "returned", 2),
        ("raise", "returned", "unacknowledged", 3),
    ]
    assert await rows(pool, "select at, value, who, path, position, alarm_class from alarm_journal order by id") == [
        (at(1), 7.25, "system", "hall/pump/pressure", "hall", "process"),
        (at(5), 6.5, "system", "hall/pump/pressure", "hall", "process"),
        (at(9), 7.5, "system", "hall/pump/pressure", "hall", "process"),
    ]


async def test_late_transitions_are_journalled_and_nothing_else(postgres_pool: Pool):
    await apply(postgres_pool, transition(RAISE, 1, is_late=True), transition(CLEAR, 2, is_late=True))
    assert await rows(postgres_pool, "select state, is_active, raise_count from alarm") == [("normal", False, 0)]
    assert await rows(postgres_pool, "select event, to_state, is_late from alarm_journal order by id") == [
        ("raise", "normal", True),
        ("clear", "normal", True),
    ]


async def test_a_worse_level_annunciates_again_and_a_better_one_does_not(postgres_pool: Pool):
    await apply(postgres_pool, transition(RAISE))
    await rows(postgres_pool, "update alarm set is_acknowledged = true, state = 'acknowledged' returning 1")
    worse = transition(LEVEL, 2, level="hihi", priority="critical", value=9.5)
    await apply(postgres_pool, worse)
    assert await rows(postgres_pool, "select state, level, priority, value from alarm") == [
        ("unacknowledged", "hihi", "critical", 9.5)
    ]
    await rows(postgres_pool, "update alarm set is_acknowledged = true, state = 'acknowledged' returning 1")
    await apply(postgres_pool, transition(LEVEL, 3))
    assert await rows(postgres_pool, "select state, level, priority from alarm") == [("acknowledged", "hi", "high")]


async def test_transitions_that_say_what_is_known_change_little(postgres_pool: Pool):
    await apply(postgres_pool, transition(CLEAR))
    assert await rows(postgres_pool, JOURNAL) == []
    await apply(postgres_pool, transition(LEVEL))
    await apply(postgres_pool, transition(RAISE, 2))
    assert [row[:3] for row in await rows(postgres_pool, JOURNAL)] == [
        ("raise", "normal", "unacknowledged"),
        ("level", "unacknowledged", "unacknowledged"),
    ]


async def test_a_rule_suppresses_and_lets_go(postgres_pool: Pool):
    await apply(postgres_pool, transition(SUPPRESS, note="line stopped"), transition(RAISE, 1))
    assert await rows(postgres_pool, "select state, is_active, suppressed_by from alarm") == [
        ("suppressed", True, "line stopped")
    ]
    await apply(postgres_pool, transition(UNSUPPRESS, 2))
    assert await rows(postgres_pool, "select state, suppressed_by from alarm") == [("unacknowledged", None)]


async def test_one_shot_and_class_act_by_themselves(postgres_pool: Pool):
    rules = AlarmRules(is_auto_acknowledged=True)
    await apply(postgres_pool, transition(RAISE, rules=rules))
    await rows(postgres_pool, "update alarm set shelving = 'one_shot_shelved', state = 'shelved' returning 1")
    await apply(postgres_pool, transition(CLEAR, 5, rules=rules))
    assert (await rows(postgres_pool, JOURNAL))[1:] == [
        ("clear", "shelved", "shelved", 2),
        ("unshelve", "shelved", "returned", 3),
        ("acknowledge", "returned", "normal", 4),
    ]


async def test_many_alarms_at_once_each_in_its_order(pool: Pool):
    paths = [f"hall/pump-{number}/pressure" for number in range(300)]
    await apply(pool, *[transition(kind, path=path) for kind in (RAISE, CLEAR, RAISE) for path in paths])
    assert await rows(pool, "select count(*), min(version), max(version) from alarm") == [(300, 3, 3)]
    assert await rows(pool, "select count(*), count(distinct (alarm_id, alarm_version)) from alarm_journal") == [
        (900, 900)
    ]


async def test_places_exist_before_anything_happened_and_leave_with_their_definition(pool: Pool):
    place = Place(PUMP, 1, "hall/pump/pressure", None, "low", AlarmRules(name="a"))
    async with transaction(pool) as connection:
        await ensure_alarms(connection, [place, place], at(0))
    assert await rows(pool, "select state, priority, name, version from alarm") == [("normal", "low", "a", 0)]
    await apply(pool, transition(RAISE))
    changed = Place(PUMP, 2, "hall/pump/pressure", None, "low", AlarmRules(name="b", position="gate"))
    async with transaction(pool) as connection:
        await ensure_alarms(connection, [changed], at(1))
    assert await rows(pool, "select priority, name, position, definition_version from alarm") == [
        ("high", "b", "gate", 2)
    ]
    async with transaction(pool) as connection:
        await retire_alarms(connection, PUMP, None, at(2), "eva")
    assert await rows(pool, "select state, is_active, retired_at from alarm") == [("normal", False, at(2))]
    assert (await rows(pool, JOURNAL))[-1] == ("retire", "unacknowledged", "normal", 2)


async def test_the_database_refuses_to_change_the_journal(pool: Pool):
    await apply(pool, transition(RAISE))
    for attempt in (
        "delete from alarm_journal",
        "update alarm_journal set who = 'nobody'",
        "update alarm_journal set number = 1, hash = 'x', who = 'nobody'",
        "truncate alarm_journal",
    ):
        with pytest.raises(InsufficientPrivilege, match="append-only"):
            await rows(pool, attempt)
    await rows(pool, "update alarm_journal set number = 1, hash = 'x' returning 1")
    with pytest.raises(InsufficientPrivilege):
        await rows(pool, "update alarm_journal set number = 2")
