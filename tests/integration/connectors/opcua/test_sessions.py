"""Sessions: limits of the server, namespaces that move, servers that vanish or hang, acknowledgement after storing."""

import asyncio
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.errors import DeviceUnreachable
from schemas import status
from tests.fixtures.processes import Processes, find_free_port, wait_until
from tests.fixtures.proxy import Proxies
from tests.integration.connectors.opcua.conftest import Connect, Subscribe, point
from tests.integration.connectors.opcua.servers import StartServer, TestServer, server_maker

CHUNK = 1 << 20
SMALL = {"MaxNodesPerRead": 3, "MaxMonitoredItemsPerCall": 4, "MaxNodesPerBrowse": 2}


async def test_asks_for_no_more_than_the_server_allows(
    start_server: StartServer, connect: Connect, subscribe: Subscribe
) -> None:
    server = start_server(items=20, limits=SMALL)
    connector = connect(server.url, [point(f"Item{number}") for number in range(20)])
    running = await subscribe(connector)
    delivered = running.delivered
    await delivered.wait_for(lambda: all(delivered.samples(number) for number in range(20)), "all items have come")
    before = connector.counters["requests"]
    result = await connector.read(range(20))
    assert result.values == [0.0] * 20
    assert connector.counters["requests"] - before == 7
    assert connector.counters["refused"] == 0
    found = [each async for each in connector.browse() if each.path[-1].startswith("Item")]
    assert len(found) == 20


async def test_follows_a_namespace_to_its_new_index(
    start_server: StartServer, connect: Connect, subscribe: Subscribe
) -> None:
    server = start_server()
    connector = connect(server.url, [point("Double")])
    first = await subscribe(connector)
    await first.delivered.wait_for(lambda: first.delivered.values(0) == [0.1], "the first value has come")
    server.child.kill()
    assert isinstance(await first.outcome(), DeviceUnreachable)
    await connector.close()
    server.start(namespaces_before=["urn:filler:1", "urn:filler:2"])
    again = await subscribe(connector)
    await again.delivered.wait_for(lambda: again.delivered.values(0) == [0.1], "the value has come again")


async def test_a_server_that_hangs_is_unreachable_and_comes_back(
    shared_server: TestServer, connect: Connect, subscribe: Subscribe
) -> None:
    server = shared_server
    connector = connect(server.url, [point("Item1")], timeout="1s")
    running = await subscribe(connector)
    await running.delivered.wait_for(lambda: running.delivered.values(0), "the first value has come")
    server.child.pause()
    assert isinstance(await running.outcome(), DeviceUnreachable)
    async with asyncio.timeout(30):
        await connector.close()
        with pytest.raises(DeviceUnreachable):
            await connector.open()
    server.child.resume()
    again = await subscribe(connector)
    server.tell(set="Item1", type="Double", value=9.5)
    await again.delivered.wait_for(lambda: 9.5 in again.delivered.values(0), "values come again")


async def test_no_session_is_left_behind(shared_server: TestServer, connect: Connect, subscribe: Subscribe) -> None:
    server = shared_server
    connector = connect(server.url, [point("Item1")])
    before = len(asyncio.all_tasks())
    for _ in range(3):
        running = await subscribe(connector)
        await running.delivered.wait_for(lambda running=running: running.delivered.values(0), "a value has come")
        assert server.tell()["sessions"] == 1
        await running.stop()
        await connector.close()
    await connector.close()
    wait_until(lambda: server.tell()["sessions"] == 0, "the server holds no session")
    wait_until(lambda: server.tell()["subscriptions"] == 0, "the server holds no subscription")
    assert len(asyncio.all_tasks()) == before


async def test_opening_again_replaces_the_session(shared_server: TestServer, connect: Connect) -> None:
    server = shared_server
    connector = connect(server.url, [point("Item1")])
    await connector.open()
    await connector.open()
    assert (await connector.read([0])).statuses == [status.GOOD]
    wait_until(lambda: server.tell()["sessions"] == 1, "the server holds one session")


async def test_nobody_listens(connect: Connect) -> None:
    connector = connect(f"opc.tcp://127.0.0.1:{find_free_port()}", [point("Double")])
    with pytest.raises(DeviceUnreachable):
        await connector.open()
    with pytest.raises(DeviceUnreachable):
        await connector.read([0])


async def test_polls_until_the_server_is_gone(start_server: StartServer, connect: Connect) -> None:
    server = start_server()
    connector = connect(server.url, [point("Double"), point("Int64")], mode="polled", timeout="3s")
    await connector.open()
    result = await connector.read([1, 0])
    assert list(zip(result.points, result.values, strict=True)) == [(1, -(2**63)), (0, 0.1)]
    server.child.kill()
    with pytest.raises(DeviceUnreachable):
        await connector.read([0])


async def test_keep_alives_say_how_far_everything_is_delivered(
    shared_server: TestServer, connect: Connect, subscribe: Subscribe
) -> None:
    server = shared_server
    running = await subscribe(connect(server.url, [point("Item1")]))
    delivered = running.delivered

    def untils() -> list[int]:
        return [each.until_us for each in delivered.results if each.until_us is not None]

    await delivered.wait_for(lambda: len(untils()) >= 3, "several statements have come")
    assert untils() == sorted(set(untils()))
    assert [each.points for each in delivered.results].count([]) >= 2
    assert running.connector.counters["keep_alives"] >= 2


async def test_a_message_is_acknowledged_only_when_it_is_stored(
    processes: Processes, connect: Connect, subscribe: Subscribe
) -> None:
    server = server_maker(processes, "asyncua")()
    running = await subscribe(connect(server.url, [point("Double")], keep_alive="100ms"))
    delivered, counters = running.delivered, running.connector.counters

    async def messages(count: int) -> None:
        enough = counters["publish_requests"] + count
        await delivered.wait_for(lambda: counters["publish_requests"] >= enough, "more messages were asked for")

    await delivered.wait_for(lambda: delivered.values(0), "the first value has come")
    await messages(4)
    assert server.tell()["unacknowledged"] == 0
    delivered.is_held = lambda result: 1.5 in result.values
    delivered.gate.clear()
    server.tell(set="Double", type="Double", value=1.5)
    await delivered.wait_for(lambda: 1.5 in delivered.values(0), "the second value is on its way to the store")
    await messages(4)
    assert server.tell()["unacknowledged"] == 1
    delivered.gate.set()
    await messages(4)
    assert server.tell()["unacknowledged"] == 0


async def test_a_store_that_stalls_is_no_outage_of_the_device(
    processes: Processes, connect: Connect, subscribe: Subscribe
) -> None:
    server = server_maker(processes, "asyncua")()
    connector = connect(server.url, [point("Double")], timeout="200ms", keep_alive="100ms")
    running = await subscribe(connector)
    delivered = running.delivered
    await delivered.wait_for(lambda: delivered.values(0), "the first value has come")
    delivered.gate.clear()
    await asyncio.sleep(0.8)  # well beyond keep-alive and time-out together
    assert not running.task.done()
    delivered.gate.set()
    server.tell(set="Double", type="Double", value=4.5)
    await delivered.wait_for(lambda: 4.5 in delivered.values(0), "values come again")


async def test_a_point_that_appears_later_is_taken_in(
    start_server: StartServer, connect: Connect, subscribe: Subscribe
) -> None:
    server = start_server()
    connector = connect(server.url, [point("Late")], retry_refused="200ms", keep_alive="100ms", timeout="1s")
    running = await subscribe(connector)
    delivered = running.delivered
    await delivered.wait_for(lambda: delivered.samples(0), "the point is refused")
    assert connector.counters["refused_as_BadNodeIdUnknown"] == connector.counters["refused"] == 1
    server.tell(add="Late")
    await delivered.wait_for(lambda: delivered.values(0) == [None, 1.0], "its value has come")
    assert connector.counters["refused_as_BadNodeIdUnknown"] == connector.counters["refused"] == 0
    assert connector.counters["subscribed"] == 1


async def test_many_points_come_in_small_messages_over_several_subscriptions(
    processes: Processes, connect: Connect, subscribe: Subscribe
) -> None:
    server = server_maker(processes, "node-opcua")(items=50, items_per_subscription=20)
    running = await subscribe(connect(server.url, [point(f"Item{number}") for number in range(50)], notifications=5))
    delivered = running.delivered
    await delivered.wait_for(lambda: all(delivered.samples(number) for number in range(50)), "all items have come")
    await delivered.wait_for(lambda: delivered.results[-1].until_us, "it is said how far all of them have come")
    assert server.tell()["subscriptions"] == 3
    assert max(len(result.points) for result in delivered.results) <= 5
    first_statement = next(at for at, result in enumerate(delivered.results) if result.until_us is not None)
    before = {at for result in delivered.results[: first_statement + 1] for at in result.points}
    assert before == set(range(50))


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"ACKF\x1c\x00\x00\x00", bytes(range(256)) * 40]
)
async def test_a_server_that_answers_rubbish_is_unreachable(connect: Connect, answer: bytes) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connector = connect(f"opc.tcp://127.0.0.1:{port}", [point("Double")], timeout="2s")
        with pytest.raises(DeviceUnreachable):
            await connector.open()


async def test_rubbish_in_the_midst_of_a_session_ends_it(
    shared_server: TestServer, make_proxy: Proxies, connect: Connect, subscribe: Subscribe
) -> None:
    proxy = make_proxy(shared_server.port)
    connector = connect(f"opc.tcp://127.0.0.1:{proxy.port}", [point("Item1")], timeout="2s")
    running = await subscribe(connector)
    await running.delivered.wait_for(lambda: running.delivered.values(0), "the first value has come")
    proxy.down.garble = 8
    assert isinstance(await running.outcome(), DeviceUnreachable)
    proxy.down.garble = 0
    await connector.close()
    again = await subscribe(connector)
    await again.delivered.wait_for(lambda: again.delivered.values(0), "values come again")


def sockets_to(port: int) -> int:
    """How many sockets of this process are connected to that port."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as each:
            count += each.getpeername() == ("127.0.0.1", port)
    return count


async def test_a_close_that_is_cut_short_leaves_no_socket(
    shared_server: TestServer, make_proxy: Proxies, connect: Connect
) -> None:
    proxy = make_proxy(shared_server.port)
    connector = connect(f"opc.tcp://127.0.0.1:{proxy.port}", [point("Item1")])
    await connector.open()
    assert sockets_to(proxy.port) == 1
    proxy.freeze()
    closing = asyncio.ensure_future(connector.close())
    await asyncio.sleep(0.1)  # it takes leave of a server that does not answer
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    await asyncio.sleep(0)
    assert sockets_to(proxy.port) == 0
    proxy.thaw()


async def test_a_server_that_sends_without_end_is_left_long_before_a_time_out(connect: Connect) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.read(4096)
        writer.write(struct.pack("<4s6I", b"ACKF", 28, 0, 65_535, 65_535, 0, 0))
        await reader.read(4096)
        writer.write(struct.pack("<4sI", b"OPNF", 0xFFFF_FFF0))
        with suppress(ConnectionError):
            while sent < 64 * CHUNK:
                writer.write(bytes(CHUNK))
                await writer.drain()
                sent += CHUNK
        await reader.read()
        writer.close()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    async with server:
        url = "opc.tcp://{}:{}".format(*server.sockets[0].getsockname())
        connector = connect(url, [point("Double")], timeout="60s")
        with pytest.raises(DeviceUnreachable):
            await asyncio.wait_for(connector.open(), 30)
    assert sent < 32 * CHUNK, "what it sends is not kept"
