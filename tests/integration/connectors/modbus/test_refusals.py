"""Addresses that a device does not have: found by halving, remembered, gone around, and asked for again one day."""

import pytest

from connectors.modbus.connector import FORGET_REFUSED_S, ModbusConnector
from schemas import status
from tests.integration.connectors.modbus.conftest import Connect, SteppedClock
from tests.integration.connectors.modbus.plc import Plc, Unit

POINTS = [{"address": f"holding:{address}"} for address in range(0, 100, 2)]
ALL = range(len(POINTS))


async def statuses(connector: ModbusConnector) -> dict[int, int]:
    result = await connector.read(ALL)
    assert sorted(result.points) == list(ALL)
    return {point: code for point, code in zip(result.points, result.statuses, strict=True) if code != status.GOOD}


async def test_an_unused_address_that_the_device_lacks_costs_no_point(plc: Plc, connect: Connect):
    plc.units[1] = Unit(refused=[("holding", 31, 31, 2)])
    connector = await connect(plc.url, POINTS)
    assert await statuses(connector) == {}
    assert connector.counters["seams_learned"] == 1
    asked = len(plc.requests)
    assert asked <= 2 * 6 + 1  # halves of 50 points
    assert await statuses(connector) == {}
    assert len(plc.requests) == asked + 2  # the seam is remembered


async def test_a_point_that_the_device_lacks_is_bad_and_the_only_one(plc: Plc, connect: Connect):
    plc.units[1] = Unit(refused=[("holding", 40, 40, 2)])
    connector = await connect(plc.url, POINTS)
    for _ in range(3):
        assert await statuses(connector) == {20: status.BAD_NODE_ID_UNKNOWN}
    assert connector.counters["points_refused"] == 1
    asked = len(plc.requests)
    await statuses(connector)
    assert len(plc.requests) == asked + 2  # around the missing one, which is not asked for


async def test_many_holes_are_learned_once(plc: Plc, connect: Connect):
    missing = [4, 5, 17, 30, 31, 32, 49]
    plc.units[1] = Unit(refused=[("holding", 2 * point, 2 * point, 2) for point in missing] + [("holding", 51, 51, 2)])
    connector = await connect(plc.url, POINTS)
    expected = dict.fromkeys(missing, status.BAD_NODE_ID_UNKNOWN)
    assert await statuses(connector) == expected
    while connector.counters["exceptions"] != (before := await _exceptions_after_a_read(connector)):
        assert before < 200
    asked = len(plc.requests)
    assert await statuses(connector) == expected
    assert len(plc.requests) - asked <= len(missing) + 2


async def test_a_device_that_takes_fewer_registers_than_configured_is_learned(plc: Plc, connect: Connect):
    plc.units[1] = Unit(max_registers=30)
    connector = await connect(plc.url, POINTS)
    assert await statuses(connector) == {}
    asked = len(plc.requests)
    assert await statuses(connector) == {}
    assert len(plc.requests) - asked <= 6


async def test_max_registers_keeps_a_device_from_being_asked_too_much(plc: Plc, connect: Connect):
    plc.units[1] = Unit(max_registers=30)
    connector = await connect(plc.url, POINTS, max_registers=30)
    assert await statuses(connector) == {}
    assert connector.counters["exceptions"] == 0
    assert len(plc.requests) == 4


async def test_overlapping_points_are_judged_apart(plc: Plc, connect: Connect):
    plc.units[1] = Unit(refused=[("holding", 1, 1, 2)])
    points = [{"address": "holding:0", "type": "uint32"}, {"address": "holding:0"}, {"address": "holding:3"}]
    connector = await connect(plc.url, points)
    for _ in range(2):
        result = await connector.read([0, 1, 2])
        found = dict(zip(result.points, result.statuses, strict=True))
        assert found == {0: status.BAD_NODE_ID_UNKNOWN, 1: status.GOOD, 2: status.GOOD}


@pytest.mark.parametrize("way", ["time", "open"])
async def test_refused_points_are_asked_for_again(plc: Plc, connect: Connect, clock: SteppedClock, way: str):
    plc.units[1] = Unit(refused=[("holding", 40, 40, 2)])
    connector = await connect(plc.url, POINTS)
    assert await statuses(connector) == {20: status.BAD_NODE_ID_UNKNOWN}
    plc.units[1].refused.clear()
    assert await statuses(connector) == {20: status.BAD_NODE_ID_UNKNOWN}
    if way == "time":
        clock.seconds += FORGET_REFUSED_S + 1
    else:
        await connector.close()
        await connector.open()
    assert await statuses(connector) == {}


async def test_bits_have_holes_too(plc: Plc, connect: Connect):
    plc.units[1] = Unit(refused=[("coil", 33, 40, 2)])
    connector = await connect(plc.url, [{"address": f"coil:{address}"} for address in (0, 32, 36, 41, 64)])
    for _ in range(2):
        result = await connector.read(range(5))
        bad = [point for point, code in zip(result.points, result.statuses, strict=True) if code != status.GOOD]
        assert bad == [2]


async def _exceptions_after_a_read(connector: ModbusConnector) -> int:
    before = connector.counters["exceptions"]
    await connector.read(ALL)
    return before
