"""Whatever ends the agent or spoils its disk: what was acknowledged is not needed again, what was not is not lost."""

import os
import random
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.broker import Broker
from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import Child, wait_until
from tests.integration.edge_agent.gateway import Gateway, counting, set_aside, simulated
from tests.integration.edge_agent.ledger import assert_complete, assert_numbers_closed, outbox_count
from tests.integration.edge_agent.peer import Peer

MakeGateway = Callable[..., Gateway]
KILLS = 8


def drained(gateway: Gateway) -> None:
    wait_until(lambda: outbox_count(gateway.outbox) <= 5, "the outbox drains")
    gateway.agent.terminate()


def test_agent_killed_again_and_again(make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer) -> None:
    seed = random.randrange(1_000_000)
    print("seed", seed)
    chance = random.Random(seed)
    gateway = make_gateway().write(counting(counting_device, scan="10ms"))
    for kill in range(KILLS):
        gateway.start()
        stored = len(peer.samples("plant/plc/c0"))
        peer.wait_for_samples(stored + 5 + chance.randrange(30), "plant/plc/c0")
        peer.is_acknowledging = kill % 3 != 1
        time.sleep(chance.random() * 0.05)  # any moment of a commit will do
        gateway.agent.kill()
        # Whatever the peer has was durable before it was sent.
        assert outbox_count(gateway.outbox) >= 0
    peer.is_acknowledging = True
    gateway.start()
    stored = len(peer.samples("plant/plc/c0"))
    peer.wait_for_samples(stored + 10, "plant/plc/c0")
    drained(gateway)
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)
    assert_numbers_closed(peer)
    stops = [gap for gap in peer.gaps() if gap.reason == "agent_stopped" and gap.device == "plc"]
    assert len(stops) == KILLS


def test_gap_after_kill_reaches_from_last_stored_to_first_new_sample(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer
) -> None:
    gateway = make_gateway().write(counting(counting_device)).start()
    peer.wait_for_samples(20, "plant/plc/c0")
    gateway.agent.kill()
    answered = len(counting_device.answers())
    gateway.start()
    wait_until(lambda: len(counting_device.answers()) > answered + 80, "the device is read again")
    drained(gateway)
    (gap,) = peer.gaps()
    times = [sample.time_us for sample in peer.samples("plant/plc/c0")]
    before = [time_us for time_us in times if time_us <= gap.from_us]
    behind = [time_us for time_us in times if time_us >= gap.to_us]
    assert len(before) + len(behind) == len(times), "no sample lies inside the gap"
    assert gap.to_us == behind[0]
    assert gap.from_us - before[-1] < 1_000_000


def test_restored_copy_of_an_older_outbox(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer, tmp_path: Path
) -> None:
    peer.is_acknowledging = False
    gateway = make_gateway().write(counting(counting_device)).start()
    peer.wait_for_samples(20, "plant/plc/c0")
    gateway.agent.kill()
    copy = tmp_path / "copy"
    copy.mkdir()
    parts = [gateway.folder / f"outbox.db{ending}" for ending in ("", "-wal", "-shm", ".mark")]
    for part in parts:
        if part.exists():
            shutil.copy(part, copy)
    peer.is_acknowledging = True
    gateway.start()
    peer.wait_for_samples(60, "plant/plc/c0")
    drained(gateway)
    for part in parts:
        part.unlink(missing_ok=True)
    for part in copy.iterdir():
        shutil.copy(part, gateway.folder)
    gateway.start()
    peer.wait_for_samples(100, "plant/plc/c0")
    drained(gateway)
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)
    payloads = {(arrival.epoch, arrival.seq, arrival.payload) for arrival in peer.arrivals}
    assert len(payloads) == len(peer.batches), "a number was used again for something else"


@pytest.mark.parametrize("policy", ["evict_oldest", "refuse_newest"])
def test_full_outbox_books_what_gave_way(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer, broker: Broker, policy: str
) -> None:
    gateway = make_gateway(outbox=f'max_bytes = "16KiB"\nwhen_full = "{policy}"').write(
        counting(counting_device, scan="10ms")
    )
    broker.kill()
    gateway.start()
    # 16 KiB hold some 50 small batches of a few scans each.
    wait_until(lambda: len(counting_device.answers()) > 4 * 400, "more scans than fit")
    assert (gateway.folder / "outbox.db").stat().st_size < 512 * 1024
    broker.start()
    peer.wait_for_samples(100, "plant/plc/c0")
    wait_until(lambda: any(gap.reason == "outbox_full" for gap in peer.gaps()), "the loss is told")
    drained(gateway)
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)
    assert_numbers_closed(peer)
    first = counting_device.answers()[0].count
    kept = {sample.value for sample in peer.samples("plant/plc/c0")}
    assert (first in kept) == (policy == "refuse_newest")


def limit_file_size(child: Child, limit: int) -> None:
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def test_disk_that_refuses_to_write_stops_nothing_and_recovers(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer
) -> None:
    noise = simulated(tags=[f"t{number}" for number in range(40)], scan="10ms")
    gateway = make_gateway(outbox='memory = "4KiB"').write(counting(counting_device), noise).start()
    peer.wait_for_samples(20, "plant/plc/c0")
    os.truncate(gateway.agent.log, 0)  # the limit holds for what it says, too
    limit_file_size(gateway.agent, 4096)
    gateway.agent.wait_for_text("outbox cannot be written")
    answered = len(counting_device.answers())
    wait_until(lambda: len(counting_device.answers()) > answered + 4 * 100, "scanning goes on, more than memory holds")
    limit_file_size(gateway.agent, resource.RLIM_INFINITY)
    stored = len(peer.samples("plant/plc/c0"))
    peer.wait_for_samples(stored + 40, "plant/plc/c0")  # which may all be in the first batch
    wait_until(lambda: any(gap.reason == "outbox_full" for gap in peer.gaps()), "the loss is told")
    drained(gateway)
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)
    assert_numbers_closed(peer)


def spoil_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(4096))


def spoil_middle(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        for at in range(4096 * 8, size, 4096 * 2):
            file.seek(at)
            file.write(os.urandom(4096))


def cut_tail(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 + 100)


@pytest.mark.parametrize("spoil", [spoil_header, spoil_middle, cut_tail])
def test_damaged_outbox_is_salvaged_and_the_loss_is_told(
    make_gateway: MakeGateway,
    counting_device: CountingDevice,
    peer: Peer,
    broker: Broker,
    spoil: Callable[[Path], None],
) -> None:
    gateway = make_gateway().write(counting(counting_device))
    broker.kill()
    gateway.start()
    wait_until(lambda: outbox_count(gateway.outbox) >= 100, "a backlog")
    gateway.agent.terminate()
    spoil(gateway.outbox)
    broker.start()
    gateway.start()
    wait_until(lambda: peer.samples("plant/plc/c0"), "samples")
    stored = len(peer.samples("plant/plc/c0"))
    peer.wait_for_samples(stored + 20, "plant/plc/c0")
    drained(gateway)
    assert len(set_aside(gateway.folder)) == 1
    assert any(gap.reason == "outbox_corrupt" for gap in peer.gaps())
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)


def test_second_agent_on_the_same_outbox_is_refused(
    make_gateway: MakeGateway, counting_device: CountingDevice, processes: object
) -> None:
    gateway = make_gateway().write(counting(counting_device)).start()
    twin = processes.millstream("edge", "run", "-c", gateway.config, name="twin")  # type: ignore[attr-defined]
    assert twin.start().wait() == 1
    assert "locked by another running agent" in twin.text()
    assert gateway.agent.is_running
