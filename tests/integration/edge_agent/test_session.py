"""The session with a broker: who may enter, what it announces, and a broker that takes only small packets."""

import json
from collections.abc import Callable, Iterator

import pytest

from schemas.agent_status import AgentState, DeviceState
from schemas.topics import Channel
from tests.fixtures.broker import AGENT_ACL, Mosquitto
from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import Processes, find_free_port, wait_until
from tests.integration.edge_agent.gateway import Gateway, counting, simulated
from tests.integration.edge_agent.ledger import assert_complete, assert_numbers_closed, outbox_count
from tests.integration.edge_agent.peer import Peer

MakeGateway = Callable[..., Gateway]
NARROW = 2_000
USERS = {"cloud": "cloud-secret", "gw-1": "agent-secret"}


@pytest.fixture
def narrow(processes: Processes) -> Mosquitto:
    """A Mosquitto that announces and enforces a small packet size."""
    return Mosquitto(processes, USERS, AGENT_ACL, f"max_packet_size {NARROW}").start()


@pytest.fixture
def narrow_peer(narrow: Mosquitto) -> Iterator[Peer]:
    made = Peer(narrow.url("cloud"))
    yield made
    made.close()


def guarded(processes: Processes, broker: Mosquitto, password: str) -> Gateway:
    gateway = Gateway(
        processes, f"mqtt://127.0.0.1:{broker.port}", mqtt='username = "gw-1"\npassword_file = "password"'
    )
    (gateway.folder / "password").write_text(f"{password}\n")
    return gateway


def test_password_and_acl_of_mosquitto(
    processes: Processes, narrow: Mosquitto, narrow_peer: Peer, counting_device: CountingDevice
) -> None:
    gateway = guarded(processes, narrow, USERS["gw-1"]).write(counting(counting_device)).start()
    narrow_peer.wait_for_samples(20, "plant/plc/c0")
    wait_until(lambda: outbox_count(gateway.outbox) <= 5, "acknowledgements reach the agent")
    gateway.agent.terminate()
    assert_complete(counting_device, narrow_peer, "plant/plc", gateway.outbox)


def test_wrong_password_is_told_and_costs_no_sample(
    processes: Processes, narrow: Mosquitto, narrow_peer: Peer, counting_device: CountingDevice
) -> None:
    gateway = guarded(processes, narrow, "wrong").write(counting(counting_device)).start()
    gateway.agent.wait_for_text("broker is unreachable")
    wait_until(lambda: outbox_count(gateway.outbox) > 20, "scanning goes on")
    assert "Not authorized" in gateway.agent.text()
    gateway.agent.terminate()
    (gateway.folder / "password").write_text(USERS["gw-1"])
    gateway.start()
    wait_until(lambda: outbox_count(gateway.outbox) <= 5, "the outbox drains")
    gateway.agent.terminate()
    assert_complete(counting_device, narrow_peer, "plant/plc", gateway.outbox)


def test_batches_of_an_outage_are_cut_for_a_broker_of_small_packets(
    processes: Processes, narrow: Mosquitto, narrow_peer: Peer, counting_device: CountingDevice
) -> None:
    wide = [f"tag-{number:03}-{'x' * 60}" for number in range(300)]
    gateway = guarded(processes, narrow, USERS["gw-1"])
    gateway.sections["url"] = f"mqtt://127.0.0.1:{find_free_port()}"
    devices = (counting(counting_device), simulated(tags=wide, scan="200ms"))
    gateway.write(*devices).start()  # no broker, so no limit is known yet
    wait_until(lambda: outbox_count(gateway.outbox) >= 40, "a backlog")
    gateway.agent.terminate()
    gateway.sections["url"] = f"mqtt://127.0.0.1:{narrow.port}"
    gateway.write(*devices).start()
    wait_until(lambda: outbox_count(gateway.outbox) <= 60 and len(narrow_peer.batches) > 100, "the outbox drains")
    gateway.agent.terminate()
    assert max(len(arrival.payload) for arrival in narrow_peer.arrivals) <= NARROW
    assert "broker connection lost" not in gateway.agent.text()
    assert any(arrival.seq == 1 for arrival in narrow_peer.arrivals)
    assert len([topic for topic in narrow_peer.catalog if "/sim/" in topic]) > 1
    assert_complete(counting_device, narrow_peer, "plant/plc", gateway.outbox)
    stored = {(sample.path, sample.time_us) for sample in narrow_peer.samples()}
    assert len(stored) == len(narrow_peer.samples()), "a sample is stored twice"


def test_announcements(make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer) -> None:
    tag = '[[device.tag]]\nname = "t"\nsignal = "sine"\nunit = "°C"\nlow = 0\nhigh = 80\ndeadband = "1%"\n'
    off = '[[device]]\nname = "off"\nkind = "modbus"\nurl = "tcp://127.0.0.1:1"\n'
    off += '[[device.tag]]\nname = "x"\naddress = "holding:0"\n'
    gateway = make_gateway(mqtt='health = "200ms"')
    gateway.write(counting(counting_device), simulated(tags=()) + tag, off).start()
    wait_until(
        lambda: peer.health and {d.state for d in peer.health[-1].devices} >= {DeviceState.UNREACHABLE}, "health"
    )
    wait_until(lambda: peer.health[-1].delivering_tags == counting_device.counters + 1, "all but one tag deliver")
    health = peer.health[-1]
    states = {device.name: device.state for device in health.devices}
    assert states == {"plc": DeviceState.RUNNING, "sim": DeviceState.RUNNING, "off": DeviceState.UNREACHABLE}
    assert health.configured_tags == counting_device.counters + 2
    assert health.rss_bytes > 10_000_000
    assert next(device.error for device in health.devices if device.name == "off")
    (part,) = [part for topic, part in peer.catalog.items() if "/sim/" in topic]
    assert part is not None
    (description,) = part.tags
    assert (description.path, description.unit, description.low, description.high) == ("plant/sim/t", "°C", 0, 80)
    assert (description.scan_period_s, description.deadband, description.max_silence_s) == (0.05, "1%", 60)
    assert description.point == "signal=sine"
    assert peer.statuses[-1].state is AgentState.ONLINE
    assert peer.statuses[-1].config_revision == part.revision
    gateway.agent.kill()
    wait_until(lambda: peer.statuses[-1].state is AgentState.OFFLINE, "the broker publishes the will")


def test_number_of_batches_stays_with_the_window(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer
) -> None:
    peer.is_acknowledging = False
    gateway = make_gateway(mqtt="window_batches = 3").write(counting(counting_device)).start()
    wait_until(lambda: outbox_count(gateway.outbox) > 30, "a backlog without acknowledgements")
    assert len(peer.arrivals) == 3
    peer.is_acknowledging = True
    peer.acknowledge("gw-1", peer.arrivals[0].epoch)
    wait_until(lambda: outbox_count(gateway.outbox) <= 5, "the outbox drains")
    live = [arrival.seq for arrival in peer.arrivals if arrival.channel is Channel.BATCH]
    assert live == sorted(live)
    assert_numbers_closed(peer)


def test_log_in_json_says_when_the_agent_runs(make_gateway: MakeGateway) -> None:
    gateway = make_gateway(agent='log = "json"').write(simulated()).start()
    lines = [json.loads(line) for line in gateway.agent.text().splitlines()]
    running = next(line for line in lines if line["event"] == "agent running")
    assert (running["agent"], running["devices"], running["tags"]) == ("gw-1", 1, 2)
