"""The demonstration's alarms, followed through twenty minutes of the hall: raised, cleared, chattering."""

import random
import tomllib
from collections import Counter
from functools import cache
from typing import NamedTuple
from uuid import UUID

from cloud_api.alarms.definitions.checking import read_definitions
from cloud_api.alarms.definitions.instances import Wanted, instances_of
from cloud_api.alarms.definitions.places import Ground
from cloud_api.alarms.evaluation.engine import Change, ChangeKind, advance, begin_watch, new_state
from cloud_api.alarms.evaluation.joint import joint_readings
from cloud_api.alarms.evaluation.plan import Plan
from cloud_api.alarms.evaluation.state import Reading
from cloud_api.storage.alarm_instances import AlarmSeriesRow
from millstream.demo.agent_config import HALL
from millstream.demo.alarms import definitions_text
from millstream.plant.hall import advance as advance_hall
from millstream.plant.hall import new_hall
from millstream.plant.tags import PlantTag, modbus_devices, opcua_tags

S = 1_000_000
MINUTES = 20
BAD = 0x80000000


class Told(NamedTuple):
    plan: Plan
    change: Change


def tags() -> dict[str, tuple[str, PlantTag]]:
    found = {f"{HALL}/{each.tag.name}": ("hall-1", each.tag) for each in opcua_tags()}
    for device in modbus_devices():
        found |= {f"{HALL}/{device.name}/{each.tag.name}": (device.name, each.tag) for each in device.registers}
    return found


def ground() -> Ground:
    return Ground(
        [
            AlarmSeriesRow(number, path, tag.unit, tag.low, tag.high, 1.0, None, "gw-hall-1", device)
            for number, (path, (device, tag)) in enumerate(sorted(tags().items()), start=1)
        ]
    )


@cache
def plans() -> list[Plan]:
    definitions, problems = read_definitions(tomllib.loads(definitions_text())["definition"])
    assert problems == []
    rows = [
        row
        for number, definition in enumerate(definitions, start=1)
        for row in instances_of(Wanted(UUID(int=number), 1, definition), ground())
    ]
    assert [row.problem for row, _ in rows if row.problem] == []
    found = [plan for _, plan in rows if plan is not None]
    assert {plan.name for plan in found} == {definition.name for definition in definitions}
    return found


@cache
def story() -> list[Told]:
    """What happens within MINUTES, the hall read once a second."""
    hall, rng = new_hall(1), random.Random(1)
    watched = {each for plan in plans() for each in plan.series_ids}
    ids = {path: number for path, number in ground().ids.items() if number in watched}
    samples: dict[int, list[Reading]] = {number: [] for number in ids.values()}
    every = {path: tag for path, (_, tag) in tags().items()}
    for second in range(MINUTES * 60):
        for path, number in ids.items():
            value = every[path].measure(hall, rng)
            at_us = second * S
            if isinstance(value, str):
                continue
            reading = Reading(at_us, None if value is None else float(value), BAD if value is None else 0)
            if not samples[number] or samples[number][-1][1:] != reading[1:]:
                samples[number].append(reading)
        for _ in range(10):
            hall = advance_hall(hall, 0.1, rng)
    told: list[Told] = []
    for plan in plans():
        state = begin_watch(plan, new_state(plan), 0)
        readings = joint_readings(plan, {}, samples, {})
        told += [Told(plan, change) for change in advance(plan, state, readings, MINUTES * 60 * S).changes]
    return sorted(told, key=lambda each: each.change.at_us)


def test_the_first_alarm_is_raised_within_two_minutes() -> None:
    first = next(each for each in story() if each.plan.levels[0].priority == "high")
    assert first.plan.name == "Barrel sensor broken"
    assert first.change.at_us < 120 * S


def test_every_fault_of_the_hall_raises_and_clears() -> None:
    raised = {each.plan.name for each in story() if each.change.kind is ChangeKind.RAISE}
    cleared = {each.plan.name for each in story() if each.change.kind is ChangeKind.CLEAR}
    wanted = {"Barrel sensor broken", "Barrel temperature off its setpoint", "Cooling pump tripped", "Mould hot"}
    wanted |= {"Cooling water pressure low"}
    assert wanted <= raised
    assert wanted <= cleared
    assert "Meter silent" not in raised


def test_the_badly_tuned_one_chatters_and_no_other_does() -> None:
    minutes: Counter[tuple[str, str, int]] = Counter()
    for plan, change in story():
        if change.kind is ChangeKind.RAISE:
            minutes[plan.name, plan.instance, change.at_us // (60 * S)] += 1
    assert {name for (name, _, _), count in minutes.items() if count >= 3} == {"Mould warm (badly tuned)"}
