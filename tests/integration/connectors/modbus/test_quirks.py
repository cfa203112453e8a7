"""Devices that need patience, lie a little, fail in one register, or take several questions at once."""

import asyncio
import struct
from itertools import pairwise
from typing import Any

import pytest

from connectors.errors import DeviceUnreachable
from schemas import status
from schemas.sample import Value
from tests.integration.connectors.modbus.conftest import Connect, SteppedClock
from tests.integration.connectors.modbus.plc import Fault, Plc, Unit

FORTY = [{"address": f"holding:{at}"} for at in range(40)]
APART = [{"address": f"holding:{200 * block}"} for block in range(6)]


def numbered() -> Unit:
    """Each register holds its own address."""
    unit = Unit()
    unit.put("holding", 0, struct.pack(">2000H", *range(2000)))
    return unit


def by_point(result: Any) -> dict[int, tuple[Value, int]]:
    return dict(zip(result.points, zip(result.values, result.statuses, strict=True), strict=True))


def spans(plc: Plc) -> list[tuple[int, int]]:
    return sorted(struct.unpack(">HH", pdu[1:5]) for _, pdu in plc.requests)


async def test_a_register_that_fails_spoils_no_other_and_is_well_when_it_is_well(plc: Plc, connect: Connect):
    unit = plc.units[1] = numbered()
    unit.refused = [("holding", 17, 17, 4)]
    connector = await connect(plc.url, FORTY)
    good = {at: (at, status.GOOD) for at in range(40)}
    for _ in range(2):
        plc.requests.clear()
        assert by_point(await connector.read(range(40))) == good | {17: (None, status.BAD_DEVICE_FAILURE)}
    assert spans(plc) == [(0, 17), (17, 1), (18, 22)]
    assert connector.counters["points_failing"] == 1
    unit.refused = []
    assert by_point(await connector.read(range(40))) == good


async def test_a_device_that_fails_as_a_whole_is_not_asked_for_every_register(
    plc: Plc, connect: Connect, clock: SteppedClock
):
    unit = plc.units[1] = numbered()
    unit.refused = [("holding", 0, 2000, 4)]
    connector = await connect(plc.url, FORTY)
    for most in (16, 1):
        plc.requests.clear()
        result = await connector.read(range(40))
        assert set(result.statuses) == {status.BAD_DEVICE_FAILURE}
        assert len(result.points) == 40
        assert len(plc.requests) <= most
    unit.refused = [("holding", 39, 39, 4)]
    clock.seconds += 61
    result = await connector.read(range(40))
    assert by_point(result) == {at: (at, status.GOOD) for at in range(39)} | {39: (None, status.BAD_DEVICE_FAILURE)}


async def test_as_many_retries_as_asked(plc: Plc, connect: Connect):
    plc.units[1] = numbered()
    connector = await connect(plc.url, FORTY, retries=3, retry_pause="1ms")
    plc.faults.extend([Fault.BUSY, Fault.ACKNOWLEDGE, Fault.BUSY])
    assert by_point(await connector.read([5])) == {5: (5, status.GOOD)}
    assert connector.counters["retries"] == 3


async def test_pauses_after_connecting_and_between_requests(plc: Plc, connect: Connect):
    plc.units[1] = numbered()
    connector = await connect(plc.url, APART, connect_pause="60ms", request_pause="30ms")
    await connector.read(range(6))
    assert plc.asked_at[0] - plc.connected_at >= 0.05
    assert min(later - earlier for earlier, later in pairwise(plc.asked_at)) >= 0.025


async def test_the_connection_is_closed_after_each_cycle(plc: Plc, connect: Connect):
    plc.units[1] = numbered()
    connector = await connect(plc.url, APART, close_after_cycle=True)
    for cycle in (1, 2, 3):
        assert by_point(await connector.read(range(6)))[2] == (400, status.GOOD)
        assert connector.counters["connections"] == cycle
        async with asyncio.timeout(30):
            while plc.open_connections:
                await asyncio.sleep(0.001)


async def test_a_wrong_unit_or_number_is_taken_where_the_gateway_is_known_to_lie(tcp_plc: Plc, connect: Connect):
    tcp_plc.units[1] = numbered()
    connector = await connect(tcp_plc.url, FORTY, accept_any_unit=True, accept_any_transaction=True, timeout="300ms")
    tcp_plc.faults.extend([Fault.OTHER_UNIT, Fault.ONLY_STALE])
    assert by_point(await connector.read([5])) == {5: (5, status.GOOD)}
    assert by_point(await connector.read([5])) == {5: (0xEEEE, status.GOOD)}
    tcp_plc.faults.append(Fault.OTHER_FUNCTION)
    with pytest.raises(DeviceUnreachable):
        await connector.read([5])


async def test_several_questions_at_once_meet_their_own_answers(tcp_plc: Plc, connect: Connect):
    tcp_plc.units[1] = numbered()
    tcp_plc.is_backwards = True
    tcp_plc.delay_s = 0.05
    connector = await connect(tcp_plc.url, APART, outstanding=4)
    result = await connector.read(range(6))
    assert by_point(result) == {block: (200 * block, status.GOOD) for block in range(6)}
    assert list(result.points) != sorted(result.points)  # they came back in another order
    assert tcp_plc.waiting_most == 4
    assert tcp_plc.connections == 1


async def test_several_questions_lost_at_once(tcp_plc: Plc, connect: Connect, clock: SteppedClock):
    tcp_plc.units[1] = numbered()
    tcp_plc.is_backwards = True
    connector = await connect(tcp_plc.url, APART, outstanding=8, timeout="300ms")
    tcp_plc.faults.extend([Fault.NONE, Fault.NONE, Fault.HANG, Fault.HANG, Fault.HANG, Fault.HANG])
    found = by_point(await connector.read(range(6)))
    assert sum(code == status.GOOD for _, code in found.values()) == 2
    assert len(found) == 6
    clock.seconds += 60
    assert {code for _, code in by_point(await connector.read(range(6))).values()} == {status.GOOD}
    tcp_plc.faults.extend([Fault.RUBBISH] * 6)
    with pytest.raises(DeviceUnreachable):
        await connector.read(range(6))
    clock.seconds += 60
    assert {code for _, code in by_point(await connector.read(range(6))).values()} == {status.GOOD}
