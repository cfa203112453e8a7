"""Units behind one host and port: one connection, one request at a time, and nobody pays for a dead neighbour."""

import asyncio

import pytest

from connectors.errors import ConfigInvalid, DeviceUnreachable, ReadTimeout
from connectors.modbus import endpoint as endpoints
from tests.integration.connectors.modbus.conftest import Connect, SteppedClock, make
from tests.integration.connectors.modbus.plc import Plc, Unit

POINTS = [{"address": "holding:0"}, {"address": "holding:500"}]


@pytest.fixture
def shared(plc: Plc) -> Plc:
    for number in (1, 2, 3):
        plc.units[number] = Unit()
        plc.units[number].put("holding", 0, bytes([0, number]))
    return plc


async def test_units_share_one_connection_and_take_turns(shared: Plc, connect: Connect):
    connectors = [await connect(shared.url, POINTS, unit=unit) for unit in (1, 2, 3)]
    shared.delay_s = 0.001
    for _ in range(5):
        results = await asyncio.gather(*(connector.read([0, 1]) for connector in connectors))
        assert [dict(zip(r.points, r.values, strict=True))[0] for r in results] == [1, 2, 3]
    assert shared.connections == 1
    assert shared.waiting_most == 1


async def test_the_connection_ends_with_the_last_unit(shared: Plc, connect: Connect):
    first, second = [await connect(shared.url, POINTS, unit=unit) for unit in (1, 2)]
    await first.close()
    await second.read([0])
    assert shared.open_connections == 1
    await second.close()
    await second.close()
    async with asyncio.timeout(30):
        while shared.open_connections:
            await asyncio.sleep(0.001)
    assert not endpoints._open.get(asyncio.get_running_loop())  # pyright: ignore[reportPrivateUsage]


async def test_a_dead_unit_costs_its_neighbours_one_short_probe_a_pause(
    shared: Plc, connect: Connect, clock: SteppedClock
):
    shared.units[2].is_silent = True
    alive = await connect(shared.url, POINTS, unit=1)
    dead = await connect(shared.url, POINTS, unit=2, timeout="400ms")
    with pytest.raises(ReadTimeout, match=r"within 0.4 s"):
        await dead.read([0])
    for allowance, pause in ((0.1, 0.5), (0.2, 1.0), (0.4, 2.0), (0.4, 4.0)):
        asked = len(shared.requests)
        for _ in range(5):
            with pytest.raises(DeviceUnreachable, match="asked again in"):
                await dead.read([0])
        assert len(shared.requests) == asked  # nothing was sent in the pause
        clock.seconds += pause
        with pytest.raises(ReadTimeout, match=f"within {allowance:g} s"):
            await dead.read([0])
        assert len(shared.requests) == asked + 1
        assert dict(zip((r := await alive.read([0])).points, r.values, strict=True)) == {0: 1}


async def test_a_dead_unit_comes_back_by_itself(shared: Plc, connect: Connect, clock: SteppedClock):
    await connect(shared.url, POINTS, unit=1)
    dead = await connect(shared.url, POINTS, unit=2, timeout="400ms")
    shared.units[2].is_silent = True
    with pytest.raises(ReadTimeout):
        await dead.read([0])
    shared.units[2].is_silent = False
    async with asyncio.timeout(60):
        while True:
            clock.seconds += 60
            try:
                result = await dead.read([0])
                break
            except DeviceUnreachable:
                await asyncio.sleep(0)
    assert list(result.values) == [2]


async def test_opening_a_unit_in_its_pause_asks_nothing(shared: Plc, connect: Connect, clock: SteppedClock):
    await connect(shared.url, POINTS, unit=1)
    dead = await connect(shared.url, POINTS, unit=2, timeout="100ms")
    shared.units[2].is_silent = True
    with pytest.raises(ReadTimeout):
        await dead.read([0])
    await dead.close()
    with pytest.raises(DeviceUnreachable, match="asked again in"):
        await dead.open()
    clock.seconds += 1
    await dead.open()


async def test_an_alone_unit_is_given_its_full_time_always(plc: Plc, connect: Connect, clock: SteppedClock):
    plc.units[1].is_silent = True
    alone = await connect(plc.url, POINTS, timeout="100ms")
    for _ in range(3):
        with pytest.raises(ReadTimeout, match=r"within 0.1 s"):
            await alone.read([0])
        clock.seconds += 60


async def test_two_ways_to_speak_to_one_port_are_refused(shared: Plc, connect: Connect, clock: SteppedClock):
    await connect(shared.url, POINTS)
    other = shared.url.removeprefix("rtu+") if shared.framing == "rtu" else f"rtu+{shared.url}"
    with pytest.raises(ConfigInvalid, match="other settings; allowed: the same for all of url"):
        await make(other, POINTS, clock, unit=2).open()


async def test_an_endpoint_that_is_off_is_dialled_once_a_pause(plc: Plc, connect: Connect, clock: SteppedClock):
    keeper = await connect(plc.url, POINTS)
    await plc.stop()
    with pytest.raises(DeviceUnreachable):
        await keeper.read([0])
    clock.seconds += 60
    others = [make(plc.url, POINTS, clock, unit=unit) for unit in range(2, 10)]
    results = await asyncio.gather(*(other.open() for other in others), return_exceptions=True)
    assert all(isinstance(result, DeviceUnreachable) for result in results)
    assert sum(other.counters.get("connections", 0) for other in others) == 1
    await plc.start()
    clock.seconds += 60
    assert len((await keeper.read([0])).points) == 1
