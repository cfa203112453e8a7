"""What is measured reaches the peer once, whatever happens on the way."""

from collections.abc import Callable

from schemas.agent_status import AgentState
from schemas.topics import Channel
from tests.fixtures.broker import Broker
from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import wait_until
from tests.integration.edge_agent.gateway import AGENT, Gateway, counting
from tests.integration.edge_agent.ledger import assert_complete, outbox_count
from tests.integration.edge_agent.peer import Peer

MakeGateway = Callable[..., Gateway]


def test_every_count_arrives_once(make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer) -> None:
    gateway = make_gateway().write(counting(counting_device)).start()
    peer.wait_for_samples(100, "plant/plc/c0")
    gateway.agent.terminate()
    wait_until(lambda: peer.statuses and peer.statuses[-1].state is AgentState.OFFLINE, "the agent says offline")
    gateway.start()
    peer.wait_for_samples(150, "plant/plc/c0")
    wait_until(lambda: outbox_count(gateway.outbox) <= 5, "the outbox drains")
    gateway.agent.terminate()
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)


def test_lost_acknowledgements_lead_to_sending_again_and_nothing_double(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer
) -> None:
    peer.is_acknowledging = False
    gateway = make_gateway(mqtt='resend_min = "500ms"\nresend_max = "1s"').write(counting(counting_device)).start()
    peer.wait_for_samples(20, "plant/plc/c0")
    wait_until(lambda: len(peer.arrivals) > len(peer.batches) + 20, "batches come again")
    assert outbox_count(gateway.outbox) >= 20
    peer.is_acknowledging = True
    wait_until(lambda: outbox_count(gateway.outbox) <= 5, "the outbox drains")
    gateway.agent.terminate()
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)
    assert len({arrival.payload for arrival in peer.arrivals}) == len(peer.batches), "sent again with other bytes"


def test_broker_killed_and_restarted(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer, broker: Broker
) -> None:
    gateway = make_gateway().write(counting(counting_device)).start()
    for _ in range(3):
        before = len(peer.samples("plant/plc/c0"))
        broker.kill()
        answered = len(counting_device.answers())
        wait_until(lambda seen=answered: len(counting_device.answers()) > seen + 40, "the device is read meanwhile")
        broker.start()
        peer.wait_for_samples(before + 30, "plant/plc/c0")
    gateway.agent.terminate()
    gateway.start()
    wait_until(lambda: peer.gaps() and outbox_count(gateway.outbox) <= 5, "the stop is told and the outbox drains")
    gateway.agent.terminate()
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)
    assert {gap.reason for gap in peer.gaps()} == {"agent_stopped"}


def test_old_backlog_goes_beside_live_batches(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer, broker: Broker
) -> None:
    gateway = make_gateway(mqtt='live_window = "1s"\nbacklog_rate = "20kB"').write(counting(counting_device)).start()
    peer.wait_for_samples(10, "plant/plc/c0")
    broker.kill()
    answered = len(counting_device.answers())
    wait_until(lambda: len(counting_device.answers()) > answered + 4 * 80, "an outage longer than the live window")
    known = len(peer.arrivals)
    # What an agent sends to a broker before the peer listens there again comes half a minute later, in no order.
    gateway.agent.pause()
    broker.start()
    wait_until(lambda: peer.is_listening, "the peer listens again")
    gateway.agent.resume()
    wait_until(lambda: any(a.channel is Channel.BACKLOG for a in peer.arrivals[known:]), "backlog")
    wait_until(lambda: outbox_count(gateway.outbox) <= 5, "the outbox drains")
    gateway.agent.terminate()
    new = peer.arrivals[known:]
    live = [a.seq for a in new if a.channel is Channel.BATCH]
    late = [a.seq for a in new if a.channel is Channel.BACKLOG]
    assert live == sorted(live)
    assert late == sorted(late)
    assert min(live) > min(late)
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)


def test_resume_sends_everything_unacknowledged_again(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer
) -> None:
    peer.is_acknowledging = False
    gateway = make_gateway().write(counting(counting_device)).start()
    wait_until(lambda: len(peer.batches) >= 10, "batches")
    epoch = peer.arrivals[0].epoch
    assert len({a.seq for a in peer.arrivals}) == len(peer.arrivals)
    peer.batches.clear()  # as if the peer had died before its commit
    peer._settled.clear()
    peer.is_acknowledging = True
    peer.acknowledge(AGENT, epoch, is_resume=True)
    wait_until(lambda: (epoch, 1) in peer.batches, "the first batch comes again")
    wait_until(lambda: outbox_count(gateway.outbox) <= 5, "the outbox drains")
    gateway.agent.terminate()
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)


def test_unknown_dictionary_is_answered_with_inline_tags(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer
) -> None:
    gateway = make_gateway().write(counting(counting_device)).start()
    wait_until(
        lambda: peer.batches and next(reversed(peer.batches.values())).dictionary, "batches name the list by hash"
    )
    gateway.agent.terminate()
    count = len(peer.batches)
    peer.forget_dictionaries()
    gateway.start()
    wait_until(lambda: len(peer.batches) > count + 5, "batches are stored again")
    wait_until(lambda: outbox_count(gateway.outbox) <= 5, "the outbox drains")
    gateway.agent.terminate()
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)


def test_held_batch_stays_and_others_pass(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer
) -> None:
    peer.held[3] = "rejects_full"
    gateway = make_gateway(mqtt='resend_min = "200ms"\nresend_max = "500ms"').write(counting(counting_device)).start()
    wait_until(lambda: len(peer.batches) > 20, "others pass")
    epoch = peer.arrivals[0].epoch
    assert (epoch, 3) not in peer.batches
    peer.held.clear()
    wait_until(lambda: (epoch, 3) in peer.batches, "the held batch comes back")
    gateway.agent.terminate()
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)


def test_own_offline_is_answered_with_online(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer
) -> None:
    make_gateway().write(counting(counting_device)).start()
    wait_until(lambda: peer.statuses, "the agent says online")
    online = peer.statuses[-1]
    stale = b'{"state":"offline","boot_id":"older","version":"0","boot_at":"2026-01-01T00:00:00Z"}'
    peer.publish(peer.topics.status(AGENT), stale, is_retained=True)
    wait_until(lambda: peer.statuses[-1] == online and len(peer.statuses) >= 3, "the agent contradicts")
