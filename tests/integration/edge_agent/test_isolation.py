"""One device never harms another: judged by source times against what the devices themselves logged."""

from collections.abc import Callable
from itertools import pairwise

from schemas import status as codes
from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import wait_until
from tests.fixtures.proxy import Proxy
from tests.integration.edge_agent.gateway import Gateway, counting
from tests.integration.edge_agent.ledger import assert_complete
from tests.integration.edge_agent.peer import Peer, Stored

MakeGateway = Callable[..., Gateway]
MakeDevice = Callable[..., CountingDevice]


def bad(peer: Peer, path: str) -> list[Stored]:
    return [sample for sample in peer.samples(path) if codes.is_bad(sample.status)]


def longest_pause_us(samples: list[Stored], from_us: int, to_us: int) -> int:
    times = [sample.time_us for sample in samples if from_us <= sample.time_us <= to_us]
    return max((behind - before for before, behind in pairwise(times)), default=to_us - from_us)


def longest_silence_us(device: CountingDevice, from_us: int, to_us: int) -> int:
    """What the machine itself cost: how long the healthy device was not asked, by its own log."""
    times = [answer.sent_us for answer in device.answers() if from_us <= answer.sent_us <= to_us]
    return max((behind - before for before, behind in pairwise(times)), default=to_us - from_us)


def test_hanging_device_beside_a_healthy_one(
    make_gateway: MakeGateway, make_counting_device: MakeDevice, peer: Peer
) -> None:
    healthy, hanging = make_counting_device(1).start(), make_counting_device(1).start()
    gateway = make_gateway().write(counting(healthy, "healthy"), counting(hanging, "hanging")).start()
    peer.wait_for_samples(20, "plant/hanging/c0")
    hanging.child.pause()
    (fault,) = wait_until(lambda: bad(peer, "plant/hanging/c0"), "the hanging device's tag goes Bad")
    assert fault.value is None
    assert fault.status == codes.BAD_TIMEOUT
    count = len(peer.samples("plant/healthy/c0"))
    peer.wait_for_samples(count + 60, "plant/healthy/c0")
    hanging.child.resume()
    wait_until(lambda: peer.samples("plant/hanging/c0")[-1].status == codes.GOOD, "it comes back by itself")
    back = next(s for s in peer.samples("plant/hanging/c0") if s.time_us > fault.time_us)
    gateway.agent.terminate()
    assert len(bad(peer, "plant/hanging/c0")) == 1, "an outage is told once"
    during = (fault.time_us, back.time_us)
    # Every scan that the healthy device answered is there with its own time: none was made to wait in the agent.
    pause = longest_pause_us(peer.samples("plant/healthy/c0"), *during)
    assert pause <= longest_silence_us(healthy, *during) + 100_000
    assert_complete(healthy, peer, "plant/healthy", gateway.outbox)
    assert_complete(hanging, peer, "plant/hanging", gateway.outbox)
    assert any(gap.device == "hanging" and gap.reason == "device_unreachable" for gap in peer.gaps())
    assert not any(gap.device == "healthy" for gap in peer.gaps())


def test_device_that_is_off_at_start(make_gateway: MakeGateway, make_counting_device: MakeDevice, peer: Peer) -> None:
    healthy, absent = make_counting_device(1).start(), make_counting_device(1)
    gateway = make_gateway().write(counting(absent, "absent"), counting(healthy, "healthy")).start()
    (fault,) = wait_until(lambda: bad(peer, "plant/absent/c0"), "the absent device's tag goes Bad")
    assert fault.status == codes.BAD_NO_COMMUNICATION
    peer.wait_for_samples(40, "plant/healthy/c0")
    absent.start()
    wait_until(lambda: peer.samples("plant/absent/c0")[-1].status == codes.GOOD, "it comes by itself")
    gateway.agent.terminate()
    assert_complete(absent, peer, "plant/absent", gateway.outbox)
    assert_complete(healthy, peer, "plant/healthy", gateway.outbox)


def test_device_that_answers_rubbish(
    make_gateway: MakeGateway, make_counting_device: MakeDevice, make_proxy: Callable[[int], Proxy], peer: Peer
) -> None:
    healthy, garbled = make_counting_device(1).start(), make_counting_device(1).start()
    proxy = make_proxy(garbled.port)
    tables = counting(garbled, "garbled").replace(garbled.url, f"tcp://127.0.0.1:{proxy.port}")
    gateway = make_gateway().write(tables, counting(healthy, "healthy")).start()
    peer.wait_for_samples(10, "plant/garbled/c0")
    proxy.down.garble = 1 << 30
    wait_until(lambda: bad(peer, "plant/garbled/c0"), "its tag goes Bad")
    count = len(peer.samples("plant/healthy/c0"))
    peer.wait_for_samples(count + 40, "plant/healthy/c0")
    proxy.down.garble = 0
    wait_until(lambda: peer.samples("plant/garbled/c0")[-1].status == codes.GOOD, "it comes back by itself")
    gateway.agent.terminate()
    assert_complete(healthy, peer, "plant/healthy", gateway.outbox)
    assert_complete(garbled, peer, "plant/garbled", gateway.outbox)


def test_health_tells_a_change_of_state_before_its_period_is_over(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer
) -> None:
    gateway = make_gateway(mqtt='health = "10min"').write(counting(counting_device)).start()
    wait_until(lambda: any(d.state == "running" for h in peer.health for d in h.devices), "running is told")
    counting_device.child.kill()
    wait_until(lambda: peer.health[-1].devices[0].state == "unreachable", "unreachable is told")
    gateway.agent.terminate()
