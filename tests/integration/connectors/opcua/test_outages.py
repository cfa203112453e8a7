"""After an outage: subscriptions taken over, messages sent again, history read, and each sample once."""

import asyncio
from pathlib import Path

import pytest

from connectors.errors import DeviceUnreachable
from tests.fixtures.processes import Processes
from tests.fixtures.proxy import Proxies
from tests.integration.connectors.opcua.conftest import PATIENCE_S, Connect, Subscribe, point
from tests.integration.connectors.opcua.servers import server_maker

KEPT = {"resume": "subscription", "keep_alive": "200ms"}
TRIES = 4  # one is enough for a server that has time
SECURE = KEPT | {"security": "Basic256Sha256/SignAndEncrypt"}  # node-opcua hands over to nobody whom it cannot know


async def noted(folder: Path) -> None:
    """Wait until the subscription is noted for the next session, which comes after its items: else it is made anew."""
    async with asyncio.timeout(PATIENCE_S):
        while not any('"subscriptions"' in file.read_text() for file in folder.glob("subscriptions-*.json")):
            await asyncio.sleep(0.02)


async def test_what_changed_while_the_line_was_cut_comes_afterwards(
    processes: Processes, make_proxy: Proxies, connect: Connect, subscribe: Subscribe, tmp_path: Path
) -> None:
    server = server_maker(processes, "node-opcua")(certificates=str(tmp_path / "pki"))
    proxy = make_proxy(server.port)
    connector = connect(f"opc.tcp://127.0.0.1:{proxy.port}", [point("Double")], **SECURE)
    first = await subscribe(connector)
    await first.delivered.wait_for(lambda: first.delivered.values(0), "the first value has come")
    await noted(tmp_path)
    proxy.refuse()
    proxy.cut()
    assert isinstance(await first.outcome(), DeviceUnreachable)
    await connector.close()
    for value in (1.5, 2.5, 3.5):
        server.tell(set="Double", type="Double", value=value, settle_ms=100)  # each is sampled
    proxy.accept()
    again = await subscribe(connector)
    await again.delivered.wait_for(lambda: 3.5 in again.delivered.values(0), "the last value has come")
    assert again.delivered.values(0) == [1.5, 2.5, 3.5]
    assert connector.counters["resumed"] == 1
    server.tell(set="Double", type="Double", value=4.5)
    await again.delivered.wait_for(lambda: 4.5 in again.delivered.values(0), "values come as before")


async def test_a_restarted_agent_takes_over_what_it_left(
    processes: Processes, connect: Connect, subscribe: Subscribe, tmp_path: Path
) -> None:
    server = server_maker(processes, "node-opcua")(certificates=str(tmp_path / "pki"))
    before = connect(server.url, [point("Double")], **SECURE)
    first = await subscribe(before)
    await first.delivered.wait_for(lambda: first.delivered.values(0), "the first value has come")
    await noted(tmp_path)
    await first.stop()
    await before.close()
    server.tell(set="Double", type="Double", value=7.5)
    after = connect(server.url, [point("Double")], **SECURE)
    again = await subscribe(after)
    await again.delivered.wait_for(lambda: 7.5 in again.delivered.values(0), "what changed in between has come")
    assert after.counters["resumed"] == 1
    assert server.tell()["subscriptions"] == 1
    await again.stop()
    await after.close()
    other = connect(server.url, [point("Double"), point("Float")], **SECURE)
    fresh = await subscribe(other)
    await fresh.delivered.wait_for(lambda: fresh.delivered.values(1), "other points make another subscription")
    assert other.counters["resumed"] == 0


async def test_a_message_that_was_not_acknowledged_comes_again(
    processes: Processes, make_proxy: Proxies, connect: Connect, subscribe: Subscribe, tmp_path: Path
) -> None:
    server = server_maker(processes, "node-opcua")(certificates=str(tmp_path / "pki"))
    proxy = make_proxy(server.port)
    connector = connect(f"opc.tcp://127.0.0.1:{proxy.port}", [point("Double")], **SECURE)
    first = await subscribe(connector)
    await first.delivered.wait_for(lambda: first.delivered.values(0), "the first value has come")
    await noted(tmp_path)
    first.delivered.is_held = lambda result: 1.5 in result.values
    first.delivered.gate.clear()
    server.tell(set="Double", type="Double", value=1.5)
    await first.delivered.wait_for(lambda: 1.5 in first.delivered.values(0), "it is on its way to the store")
    await first.stop()  # before it was stored
    proxy.cut()
    await connector.close()
    restarted = connect(f"opc.tcp://127.0.0.1:{proxy.port}", [point("Double")], **SECURE)
    again = await subscribe(restarted)
    await again.delivered.wait_for(lambda: 1.5 in again.delivered.values(0), "it has come again")
    assert restarted.counters["republished"] >= 1


async def test_a_subscription_that_cannot_be_resumed_is_made_anew(
    processes: Processes, make_proxy: Proxies, connect: Connect, subscribe: Subscribe, tmp_path: Path
) -> None:
    """asyncua's server hands a subscription over, then answers the requests of the session before, or none."""
    server = server_maker(processes, "asyncua")()
    proxy = make_proxy(server.port)
    impatient = KEPT | {"history": "off", "timeout": "3s"}  # how long it waits for a subscription that stays silent
    connector = connect(f"opc.tcp://127.0.0.1:{proxy.port}", [point("Double")], **impatient)
    first = await subscribe(connector)
    await first.delivered.wait_for(lambda: first.delivered.values(0), "the first value has come")
    await noted(tmp_path)
    proxy.cut()
    assert isinstance(await first.outcome(), DeviceUnreachable)
    await connector.close()
    server.tell(set="Double", type="Double", value=2.5)
    again = await subscribe(connector)
    for _ in range(TRIES):
        came = asyncio.ensure_future(again.delivered.first.wait())
        await asyncio.wait([again.task, came], return_when="FIRST_COMPLETED")
        if came.done():
            break
        came.cancel()
        await connector.close()
        again = await subscribe(connector)
    await again.delivered.wait_for(lambda: 2.5 in again.delivered.values(0), "values come again")


@pytest.mark.parametrize("is_filled", [True, False])
async def test_history_fills_what_no_subscription_held(
    processes: Processes, make_proxy: Proxies, connect: Connect, subscribe: Subscribe, is_filled: bool
) -> None:
    server = server_maker(processes, "asyncua")(historized=["Double"])
    proxy = make_proxy(server.port)
    url = f"opc.tcp://127.0.0.1:{proxy.port}"
    connector = connect(
        url, [point("Double"), point("Float")], keep_alive="200ms", history="read" if is_filled else "off"
    )
    first = await subscribe(connector)
    server.tell(set="Double", type="Double", value=1.0)
    await first.delivered.wait_for(lambda: 1.0 in first.delivered.values(0), "a value has come")
    await first.delivered.wait_for(lambda: first.delivered.results[-1].until_us, "all items are there")
    proxy.refuse()
    proxy.cut()
    assert isinstance(await first.outcome(), DeviceUnreachable)
    await connector.close()
    for value in (2.0, 3.0, 4.0):
        server.tell(set="Double", type="Double", value=value)
    proxy.accept()
    again = await subscribe(connector)
    await again.delivered.wait_for(lambda: 4.0 in again.delivered.values(0), "the last value has come")
    server.tell(set="Double", type="Double", value=5.0)
    await again.delivered.wait_for(lambda: 5.0 in again.delivered.values(0), "values come as before")
    samples = set(again.delivered.samples(0))
    assert [value for value, _, _ in sorted(samples, key=lambda sample: sample[2])] == (
        [2.0, 3.0, 4.0, 5.0] if is_filled else [4.0, 5.0]
    )


async def test_a_damaged_note_of_subscriptions_is_no_obstacle(
    processes: Processes, connect: Connect, subscribe: Subscribe, tmp_path: Path
) -> None:
    server = server_maker(processes, "asyncua")()
    for content in ("", "[]", '{"identity": 1}'):
        connector = connect(server.url, [point("Double")], **KEPT)
        for file in tmp_path.glob("subscriptions-*.json"):
            file.write_text(content, encoding="utf-8")
        running = await subscribe(connector)
        await running.delivered.wait_for(lambda running=running: running.delivered.values(0), "the value has come")
        await noted(tmp_path)
        await running.stop()
        await connector.close()


async def test_a_message_that_got_lost_is_asked_for_again(
    processes: Processes, connect: Connect, subscribe: Subscribe
) -> None:
    server = server_maker(processes, "asyncua")()
    connector = connect(server.url, [point("Double")], publishing="1s", keep_alive="1s")
    running = await subscribe(connector)
    delivered = running.delivered
    await delivered.wait_for(lambda: delivered.values(0) == [0.1], "the first value has come")
    server.tell(set="Double", type="Double", value=1.5, lose="once")
    server.tell(set="Double", type="Double", value=2.5)
    await delivered.wait_for(lambda: 2.5 in delivered.values(0), "the message behind it has come")
    assert delivered.values(0) == [0.1, 1.5, 2.5]
    assert connector.counters["republished"] == 1
    server.tell(set="Double", type="Double", value=3.5, lose="once")
    await delivered.wait_for(lambda: 3.5 in delivered.values(0), "a keep-alive told that it was lost")
    assert connector.counters["republished"] == 2
    server.tell(set="Double", type="Double", value=3.75, lose="for ever")
    server.tell(set="Double", type="Double", value=4.5)
    outcome = await running.outcome()
    assert isinstance(outcome, DeviceUnreachable)
    assert "holds it no more" in str(outcome)
