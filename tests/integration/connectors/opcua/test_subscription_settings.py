"""What a subscription asks of the server: deadbands, which changes a full queue keeps, and whose decoder reads."""

import asyncio
from typing import Any

import pytest

from connectors.opcua import KIND
from connectors.opcua.config import OpcuaConfig, OpcuaPoint
from schemas import status
from tests.fixtures.processes import Processes
from tests.integration.connectors.opcua.conftest import Connect, Subscribe, WallClock, point
from tests.integration.connectors.opcua.servers import StartServer, TestServer, server_maker


async def test_small_changes_stay_at_the_server(
    start_server: StartServer, connect: Connect, subscribe: Subscribe
) -> None:
    server = start_server()
    connector = connect(server.url, [point("Double"), point("String")], server_deadband="1.5")
    running = await subscribe(connector)
    delivered = running.delivered
    await delivered.wait_for(lambda: delivered.values(0) == [0.1], "the first value has come")
    await delivered.wait_for(lambda: delivered.values(1), "so has a text, to which no deadband applies")
    for value in (1.0, 1.5, 10.0):
        server.tell(set="Double", type="Double", value=value)
        await asyncio.sleep(0.1)  # each is sampled
    await delivered.wait_for(lambda: 10.0 in delivered.values(0), "the large change has come")
    assert delivered.values(0) == [0.1, 10.0]
    assert connector.counters["subscribed"] == 2


async def test_percent_is_of_the_range_that_the_server_states(processes: Processes, subscribe: Subscribe) -> None:
    server = server_maker(processes, "node-opcua")()  # asyncua's server takes such a filter and does not apply it
    config: dict[str, Any] = {"url": server.url, "publishing": "50ms", "sampling": "20ms", "resume": "nothing"}
    points = [OpcuaPoint(node=point("Analog"), server_deadband="10%")]  # of 0 to 300
    connector = KIND.create(OpcuaConfig.model_validate(config), points, WallClock())
    running = await subscribe(connector)
    delivered = running.delivered
    await delivered.wait_for(lambda: delivered.values(0) == [182.5], "the first value has come")
    for value in (200.0, 220.0):
        server.tell(set="Analog", type="Double", value=value)
        await asyncio.sleep(0.1)  # each is sampled
    await delivered.wait_for(lambda: 220.0 in delivered.values(0), "the large change has come")
    assert delivered.values(0) == [182.5, 220.0]
    await running.stop()
    await connector.close()


@pytest.mark.parametrize("decoder", ["batch", "asyncua"])
async def test_either_decoder_reads_what_the_server_sends(
    shared_server: TestServer, connect: Connect, subscribe: Subscribe, decoder: str
) -> None:
    names = ["Boolean", "Int64", "UInt64", "Float", "String", "DateTime", "LocalizedText", "ByteString", "Guid"]
    connector = connect(shared_server.url, [point(name) for name in names], decoder=decoder)
    running = await subscribe(connector)
    delivered = running.delivered
    await delivered.wait_for(lambda: all(delivered.values(at) for at in range(len(names))), "all values have come")
    assert [delivered.values(at)[-1] for at in range(4)] == [True, -(2**63), 2**64 - 1, 0.5]
    read = await connector.read(range(len(names)))
    assert [delivered.values(at)[-1] for at in range(len(names))] == list(read.values)
    ways = {way: connector.counters[f"messages_{way}"] for way in ("in_one_pass", "by_asyncua")}
    assert (ways["in_one_pass"] > 0, ways["by_asyncua"] > 0) == (decoder == "batch", decoder == "asyncua")


async def test_registered_points_are_read_like_others(start_server: StartServer, connect: Connect) -> None:
    server = start_server()
    nodes = [point("Double"), point("Missing"), point("Int64")]
    connector = connect(server.url, nodes, mode="polled", reads="registered")
    await connector.open()
    first, again = await connector.read([0, 1, 2]), await connector.read([2, 0])
    assert (first.values[0], first.values[2]) == (0.1, -(2**63))
    assert status.is_bad(first.statuses[1])
    assert again.values == [-(2**63), 0.1]


async def test_limits_below_those_that_the_server_states(
    start_server: StartServer, connect: Connect, subscribe: Subscribe
) -> None:
    server = start_server(items=10)
    limits = {"request_limit": 4, "subscription_limit": 5}
    connector = connect(server.url, [point(f"Item{number}") for number in range(10)], **limits)
    running = await subscribe(connector)
    delivered = running.delivered
    await delivered.wait_for(lambda: all(delivered.samples(number) for number in range(10)), "all items have come")
    assert server.tell()["subscriptions"] == 2
    before = connector.counters["requests"]
    await connector.read(range(10))
    assert connector.counters["requests"] - before == 3
