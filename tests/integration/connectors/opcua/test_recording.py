"""A conversation with a real server is recorded without its secrets, and a desk hears the same from the recording."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import nodeid_to_binary

from connectors.contract import Exchange, ReplayOptions
from connectors.errors import DeviceUnreachable, PointRejected
from connectors.opcua import KIND
from edge_agent.recorder import tape
from edge_agent.recorder.ring import Ring
from schemas import status
from tests.fixtures.processes import Processes
from tests.fixtures.proxy import Proxies
from tests.integration.connectors.opcua.conftest import Connect, Running, Subscribe, point
from tests.integration.connectors.opcua.servers import StartServer, server_maker

PASSWORD = "canary-of-the-password"
WRITTEN = "canary-that-was-written"
NODES = [point("Double"), point("String"), point("Structure"), point("NotThere"), "i=2256"]
HEAD = tape.Head("gw-1", "cell", "opcua")


def recorded(connector: Any) -> Ring:
    assert KIND.record is not None
    ring = Ring(1 << 20)
    KIND.record(connector, ring)
    return ring


def taken(ring: Ring) -> tape.Recording:
    """All of it, as `edge record export` would write it."""
    rest = ring.take()
    stretches = (*ring.take_openings(), *([] if rest is None else [rest]))
    return tape.read(tape.opening(HEAD) + b"".join(each.blocks for each in stretches))


def plain(recording: tape.Recording) -> bytes:
    return b"".join(each.question + (each.answer or b"") for each in recording.exchanges)


@asynccontextmanager
async def desk(recording: tape.Recording, speed: float = 20.0) -> AsyncIterator[str]:
    """The url at which a recording is played."""
    assert KIND.replay is not None
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    playing = asyncio.ensure_future(KIND.replay(recording.exchanges, ReplayOptions(0, speed, url.set_result)))
    try:
        yield await url
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)


async def changed(running: Running, server: Any, *values: float) -> None:
    for value in values:
        server.tell(set="Double", type="Double", value=value)
        await running.delivered.wait_for(lambda value=value: value in running.delivered.values(0), f"{value} has come")


async def test_what_a_server_told_is_told_again_on_the_desk(
    start_server: StartServer, connect: Connect, subscribe: Subscribe, make_proxy: Proxies
) -> None:
    server = start_server()
    proxy = make_proxy(server.port)
    connector = connect(f"opc.tcp://127.0.0.1:{proxy.port}", NODES[:4])
    ring = recorded(connector)
    first = await subscribe(connector)
    await changed(first, server, 1.5, 2.5)
    await first.delivered.wait_for(lambda: first.delivered.samples(3), "the refusal is told")
    proxy.refuse()
    proxy.cut()
    assert isinstance(await first.outcome(), DeviceUnreachable)
    with pytest.raises(DeviceUnreachable):
        await connector.open()
    proxy.accept()
    again = await subscribe(connector)
    await changed(again, server, 3.5, 4.5)
    await again.delivered.wait_for(lambda: again.delivered.values(2), "the structure has come again")
    described = await connector.describe()  # type: ignore[attr-defined]
    await again.stop()
    await connector.close()

    recording = taken(ring)
    assert recording.lost == 0
    assert any(each.trouble is not None for each in recording.exchanges)
    async with desk(recording) as url:
        other = connect(url, NODES[:4], timeout="2s")
        here = await subscribe(other)
        assert isinstance(await here.outcome(), DeviceUnreachable), "the outage is played"
        assert here.delivered.values(0) == first.delivered.values(0)
        assert here.delivered.values(1)[:1] == first.delivered.values(1)[:1]
        assert here.delivered.values(2)[:1] == first.delivered.values(2)[:1]
        assert [code for _, code, _ in here.delivered.samples(3)] == [status.BAD_NODE_ID_UNKNOWN]
        back = await reopened(other, subscribe)
        await back.delivered.wait_for(lambda: 4.5 in back.delivered.values(0), "the recording is played to its end")
        assert back.delivered.values(0)[-2:] == [3.5, 4.5]
        assert await other.describe() == described  # type: ignore[attr-defined]
        assert (await other.read([0])).values == [4.5]
        with pytest.raises(PointRejected):
            await other.write(0, 1.0)


async def reopened(connector: Any, subscribe: Callable[[Any], Awaitable[Running]]) -> Running:
    """As the agent does it: again and again."""
    while True:
        try:
            return await subscribe(connector)
        except DeviceUnreachable:
            await connector.close()
            await asyncio.sleep(0.1)


async def test_the_times_of_a_recording_keep_their_distance_to_ours(
    processes: Processes, connect: Connect, subscribe: Subscribe
) -> None:
    server = server_maker(processes, "asyncua")()
    connector = connect(server.url, NODES[:1])
    ring = recorded(connector)
    first = await subscribe(connector)
    await changed(first, server, 1.5)
    await first.stop()
    await connector.close()
    recording = taken(ring)
    old_us = first.delivered.samples(0)[-1][2]
    late = tape.Recording(HEAD, tuple(_earlier(each, 86_400_000_000) for each in recording.exchanges), 0)
    async with desk(late) as url:
        here = await subscribe(connect(url, NODES[:1]))
        await here.delivered.wait_for(lambda: here.delivered.values(0)[-1:] == [1.5], "it is played")
        assert here.delivered.samples(0)[-1][2] - old_us > 43_200_000_000, "a day later it is told as of today"


def _earlier(exchange: Exchange, us: int) -> Exchange:
    return Exchange(exchange.asked_us - us, exchange.took_us, exchange.question, exchange.answer, exchange.trouble)


async def test_a_poll_is_played_in_recorded_order(processes: Processes, connect: Connect) -> None:
    server = server_maker(processes, "asyncua")()
    connector = connect(server.url, NODES[:2], mode="polled", reads="registered")
    ring = recorded(connector)
    await connector.open()
    for value in (1.5, 2.5, 3.5):
        server.tell(set="Double", type="Double", value=value)
        assert (await connector.read([0, 1])).values[0] == value
    await connector.close()
    async with desk(taken(ring)) as url:
        other = connect(url, [*NODES[:2], point("Int64")], mode="polled")
        await other.open()
        found = [await other.read([0, 1, 2]) for _ in range(4)]
        assert [result.values[0] for result in found] == [1.5, 2.5, 3.5, 3.5]
        assert found[0].values[1] == "料筒温度 ℃"
        assert found[0].statuses[2] == status.BAD_NODE_ID_UNKNOWN


@pytest.mark.parametrize("security", ["None", "Basic256Sha256/SignAndEncrypt"])
async def test_no_secret_is_in_the_recording(
    processes: Processes, connect: Connect, subscribe: Subscribe, tmp_path: Path, security: str
) -> None:
    server = server_maker(processes, "asyncua")(users={"line-1": PASSWORD}, certificates=str(tmp_path / "pki"))
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    connector = connect(server.url, NODES[:1], username="line-1", password_file=secret, security=security)
    writing = connect(server.url, NODES[1:2], username="line-1", password_file=secret, security=security)
    rings = [recorded(connector), recorded(writing)]
    running = await subscribe(connector)
    token = nodeid_to_binary(connector._session.client.protocol.authentication_token)  # type: ignore[attr-defined]
    await running.delivered.wait_for(lambda: running.delivered.values(0), "a value has come")
    await running.stop()
    await writing.open()
    await writing.write(0, WRITTEN)
    await writing.write(0, WRITTEN)  # which looks first at what is there
    await writing.close()
    await connector.close()
    contents = [plain(taken(ring)) for ring in rings]
    assert struct.pack("<d", 0.1) in contents[0], "what was reported is in it"
    assert struct.pack("<BBH", 1, 0, ObjectIds.WriteRequest_Encoding_DefaultBinary) in contents[1]
    for content in contents:
        assert PASSWORD.encode() not in content
        assert WRITTEN.encode() not in content
        assert token not in content


async def test_another_client_sees_it_too(processes: Processes, connect: Connect, subscribe: Subscribe) -> None:
    server = server_maker(processes, "asyncua")()
    connector = connect(server.url, NODES[:2])
    ring = recorded(connector)
    first = await subscribe(connector)
    await changed(first, server, 1.5)
    await first.stop()
    await connector.close()
    heard: asyncio.Queue[float] = asyncio.Queue()

    class Listener:
        def datachange_notification(self, node: Any, value: float, data: Any) -> None:
            heard.put_nowait(value)

    async with desk(taken(ring)) as url, Client(url, timeout=20) as client:
        found = await client.nodes.objects.get_children()
        assert {node.nodeid.Identifier for node in found} == {"Double", "String"}
        subscription = await client.create_subscription(50, Listener())
        double = next(node for node in found if node.nodeid.Identifier == "Double")
        await subscription.subscribe_data_change(double)
        async with asyncio.timeout(45):
            assert [await heard.get() for _ in first.delivered.values(0)] == first.delivered.values(0)


async def test_a_recording_of_nothing_is_an_empty_server(connect: Connect) -> None:
    async with desk(tape.Recording(HEAD, (), 0)) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await reader.read() == b"", "a stranger is sent away"
        writer.close()
        empty = connect(url, NODES[:1], mode="polled")
        await empty.open()
        assert (await empty.read([0])).statuses == [status.BAD_NODE_ID_UNKNOWN]
