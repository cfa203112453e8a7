"""Whatever a device does instead of answering: an exception of the right class, never a wrong value, and it heals."""

import asyncio

import pytest

from connectors.errors import DeviceUnreachable, ReadTimeout
from schemas import status
from schemas.sample import Kind
from tests.integration.connectors.modbus.conftest import Connect, SteppedClock, make
from tests.integration.connectors.modbus.plc import Fault, Plc, Unit, running

POINTS = [{"address": "holding:10", "type": "uint32"}, {"address": "holding:14", "type": "int16"}]
TRUE = [0xDEADBEEF, -2]


@pytest.fixture
def filled(plc: Plc) -> Plc:
    plc.units[1].put("holding", 10, bytes.fromhex("deadbeef 0000 0000 fffe"))
    return plc


LOUD = [Fault.RUBBISH, Fault.CLOSE, Fault.HALF_THEN_CLOSE, Fault.OTHER_UNIT, Fault.OTHER_FUNCTION, Fault.TOO_SHORT,
        Fault.TOO_LONG, Fault.BAD_CRC]  # fmt: skip
SILENT = [Fault.HANG, Fault.HALF]


@pytest.mark.parametrize("fault", LOUD)
async def test_a_broken_answer_is_an_unreachable_device(
    filled: Plc, connect: Connect, clock: SteppedClock, fault: Fault
):
    if fault is Fault.BAD_CRC and filled.framing == "tcp":
        fault = Fault.HUGE_LENGTH  # no checksum there, so garble the length in its place
    connector = await connect(filled.url, POINTS)
    await connector.read([0, 1])
    filled.faults.append(fault)
    with pytest.raises(DeviceUnreachable) as caught:
        await connector.read([0, 1])
    assert not isinstance(caught.value, ReadTimeout)
    await _heals(filled, connector, clock)


@pytest.mark.parametrize("fault", SILENT)
async def test_silence_is_a_time_out_and_the_connection_is_not_used_again(
    filled: Plc, connect: Connect, clock: SteppedClock, fault: Fault
):
    connector = await connect(filled.url, POINTS, timeout="200ms")
    filled.faults.append(fault)
    with pytest.raises(ReadTimeout, match=r"unit 1 did not answer within 0\.2 s"):
        await connector.read([0, 1])
    assert connector.counters["timeouts"] == 1
    clock.seconds += 60  # past the pause after a failure
    patient = await connect(filled.url, POINTS)
    await _heals(filled, patient, clock)
    assert filled.connections == 2


async def test_a_late_answer_is_dropped_by_its_number(tcp_plc: Plc, connect: Connect):
    tcp_plc.units[1].put("holding", 10, bytes.fromhex("deadbeef 0000 0000 fffe"))
    connector = await connect(tcp_plc.url, POINTS)
    tcp_plc.faults.append(Fault.STALE_THEN_TRUE)
    result = await connector.read([0, 1])
    assert list(result.values) == TRUE
    assert connector.counters["late_answers"] == 1
    assert tcp_plc.connections == 1


async def test_an_answer_to_another_question_only_is_a_time_out(tcp_plc: Plc, connect: Connect):
    connector = await connect(tcp_plc.url, POINTS, timeout="200ms")
    tcp_plc.faults.append(Fault.ONLY_STALE)
    with pytest.raises(ReadTimeout):
        await connector.read([0, 1])
    assert connector.counters["late_answers"] == 1


async def test_an_answer_that_comes_after_the_time_out_never_meets_the_next_question(
    tcp_plc: Plc, connect: Connect, clock: SteppedClock
):
    tcp_plc.units[1].put("holding", 10, bytes.fromhex("deadbeef 0000 0000 fffe"))
    connector = await connect(tcp_plc.url, POINTS, timeout="100ms")
    tcp_plc.delay_s = 0.3
    with pytest.raises(ReadTimeout):
        await connector.read([0, 1])
    tcp_plc.delay_s = 0.0
    tcp_plc.units[1].put("holding", 10, bytes.fromhex("11112222 0000 0000 0003"))
    async with asyncio.timeout(30):
        while tcp_plc.open_connections:  # the late answer found nobody
            await asyncio.sleep(0.001)
    clock.seconds += 60
    patient = await connect(tcp_plc.url, POINTS)
    assert list((await patient.read([0, 1])).values) == [0x11112222, 3]
    assert patient.counters["late_answers"] == 0


async def test_an_answer_may_come_in_single_bytes(filled: Plc, connect: Connect):
    connector = await connect(filled.url, POINTS)
    filled.faults.append(Fault.BYTE_BY_BYTE)
    assert list((await connector.read([0, 1])).values) == TRUE


async def test_an_answer_that_comes_twice_is_taken_once(filled: Plc, connect: Connect):
    connector = await connect(filled.url, POINTS)
    filled.faults.append(Fault.TWICE)
    assert list((await connector.read([0, 1])).values) == TRUE
    filled.units[1].put("holding", 10, bytes.fromhex("11112222 0000 0000 0003"))
    assert list((await connector.read([0, 1])).values) == [0x11112222, 3]


async def test_noise_before_a_frame_is_never_a_value(filled: Plc, connect: Connect, clock: SteppedClock):
    connector = await connect(filled.url, POINTS)
    filled.faults.append(Fault.ECHO)
    with pytest.raises(DeviceUnreachable):
        await connector.read([0, 1])
    await _heals(filled, connector, clock)


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.ACKNOWLEDGE])
async def test_busy_is_asked_once_more_after_a_pause(filled: Plc, connect: Connect, fault: Fault):
    connector = await connect(filled.url, POINTS, retry_pause="10ms")
    filled.faults.append(fault)
    assert list((await connector.read([0, 1])).values) == TRUE
    assert connector.counters["retries"] == 1
    filled.faults.extend([fault, fault])
    result = await connector.read([0, 1])
    assert set(result.statuses) == {status.BAD_RESOURCE_UNAVAILABLE}
    assert set(result.kinds) == {Kind.NONE}
    assert connector.counters["retries"] == 2


async def test_what_was_answered_before_the_silence_is_not_thrown_away(tcp_plc: Plc, connect: Connect):
    points = [{"address": f"holding:{200 * block}"} for block in range(3)]
    connector = await connect(tcp_plc.url, points, timeout="200ms")
    tcp_plc.units[1].put("holding", 0, b"\x00\x2a")
    tcp_plc.faults.extend([Fault.NONE, Fault.HANG])
    result = await connector.read([0, 1, 2])
    by_point = dict(zip(result.points, zip(result.values, result.statuses, strict=True), strict=True))
    assert by_point == {0: (42, status.GOOD), 1: (None, status.BAD_TIMEOUT), 2: (None, status.BAD_TIMEOUT)}
    assert result.until_us == result.times_us[list(result.points).index(0)]
    with pytest.raises(DeviceUnreachable, match="asked again in"):
        await connector.read([0, 1, 2])


async def test_a_device_that_is_off_is_unreachable_and_says_why(clock: SteppedClock):
    async with running(Plc()) as plc:
        url = plc.url
    connector = make(url, POINTS, clock)
    with pytest.raises(DeviceUnreachable, match=r"cannot be reached: .*[Cc]onnect"):
        await connector.open()
    with pytest.raises(DeviceUnreachable, match="is not open"):
        await connector.read([0])


async def test_a_host_that_has_no_address_is_unreachable(clock: SteppedClock):
    connector = make("tcp://no-such-host.invalid:502", POINTS, clock)
    with pytest.raises(DeviceUnreachable, match="cannot be reached"):
        await connector.open()


async def test_a_connection_that_the_device_closed_while_idle_is_made_anew_before_asking(filled: Plc, connect: Connect):
    connector = await connect(filled.url, POINTS)
    await connector.read([0, 1])
    await filled.stop()
    await filled.start()
    await _until_closed(filled, connector)
    assert list((await connector.read([0, 1])).values) == TRUE
    assert connector.counters["connections"] == 2


async def test_a_cancelled_read_leaves_no_answer_behind(tcp_plc: Plc, connect: Connect):
    tcp_plc.units[1].put("holding", 10, bytes.fromhex("deadbeef 0000 0000 fffe"))
    connector = await connect(tcp_plc.url, POINTS)
    tcp_plc.delay_s = 0.05
    task = asyncio.create_task(connector.read([0, 1]))
    while not tcp_plc.requests:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list((await connector.read([0, 1])).values) == TRUE
    assert connector.counters["late_answers"] == 0
    assert tcp_plc.connections == 2


async def test_a_unit_behind_a_gateway_that_is_gone_is_unreachable(plc: Plc, connect: Connect):
    connector = await connect(plc.url, POINTS, unit=9)
    with pytest.raises(DeviceUnreachable, match=r"exception 11 \(gateway target\)"):
        await connector.read([0])
    assert plc.open_connections == 1  # the gateway is well: its connection is kept


@pytest.mark.parametrize(
    ("exception", "code"),
    [
        (1, status.BAD_NOT_SUPPORTED),
        (2, status.BAD_NODE_ID_UNKNOWN),
        (3, status.BAD_OUT_OF_RANGE),
        (4, status.BAD_DEVICE_FAILURE),
        (8, status.BAD_DEVICE_FAILURE),
        (99, status.BAD_COMMUNICATION_ERROR),
    ],
)
async def test_exceptions_become_statuses(plc: Plc, connect: Connect, exception: int, code: int):
    plc.units[1] = Unit(refused=[("holding", 10, 10, exception)])
    connector = await connect(plc.url, [{"address": "holding:10"}, {"address": "coil:10"}])
    result = await connector.read([0, 1])
    found = dict(zip(result.points, result.statuses, strict=True))
    assert found == {0: code, 1: status.GOOD}


async def _heals(plc: Plc, connector: object, clock: SteppedClock) -> None:
    clock.seconds += 60  # past the pause after a failure
    result = await connector.read([0, 1])  # type: ignore[attr-defined]
    assert list(result.values) == TRUE
    assert set(result.statuses) == {status.GOOD}


async def _until_closed(plc: Plc, connector: object) -> None:
    line = connector._endpoint._line  # type: ignore[attr-defined]
    async with asyncio.timeout(30):
        while line.is_usable:
            await asyncio.sleep(0.001)
