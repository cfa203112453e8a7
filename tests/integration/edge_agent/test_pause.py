"""An agent that stood still, as a paused virtual machine does, blames no device for what it did not read."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import Child, Processes, find_free_port, wait_until
from tests.integration.edge_agent.gateway import Gateway, counting
from tests.integration.edge_agent.peer import Peer
from tests.integration.edge_agent.test_subscribed import plant_tables

MakeGateway = Callable[..., Gateway]
POLLED, SUBSCRIBED = "plant/plc/c0", "plant/hall/temperature"


def now_us() -> int:
    return time.time_ns() // 1000


def stand_still(agent: Child) -> None:
    """Stop the process, and wait until it does not run."""
    agent.pause()
    state = Path(f"/proc/{agent.pid}/stat")
    wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "the agent stands still")


def test_agent_that_stood_still_takes_the_gap_on_itself(
    make_gateway: MakeGateway, counting_device: CountingDevice, processes: Processes, peer: Peer
) -> None:
    port = find_free_port()
    words = ["plant", "--opcua-port", str(port), "--modbus-port", str(find_free_port()), "--seed", "7"]
    plant = processes.millstream(*words, name="plant").start().wait_for_text('"opcua"')
    gateway = make_gateway(agent='pause = "1s"').write(counting(counting_device), plant_tables(port, "temperature"))
    gateway.start()
    for path in (POLLED, SUBSCRIBED):
        peer.wait_for_samples(10, path)
    stand_still(gateway.agent)
    # No session outlives this, as none outlives a pause that is long enough; what is on its way still comes.
    plant.kill()
    stopped_us = now_us()
    plant.start()
    wait_until(lambda: plant.text().count('"opcua"') == 2, "the plant is there again")
    wait_until(lambda: now_us() - stopped_us > 1_500_000, "the pause is long enough")
    resumed_us = now_us()
    gateway.agent.resume()
    for path in (POLLED, SUBSCRIBED):
        wait_until(
            lambda path=path: any(each.time_us > resumed_us and each.status == 0 for each in peer.samples(path)),
            f"{path} goes on",
        )
    gateway.agent.terminate()
    assert {gap.reason for gap in peer.gaps()} == {"agent_stopped"}
    for device, path in (("plc", POLLED), ("hall", SUBSCRIBED)):
        (gap,) = (gap for gap in peer.gaps() if gap.device == device and gap.from_us <= stopped_us < gap.to_us)
        times = [sample.time_us for sample in peer.samples(path)]
        assert not [time_us for time_us in times if gap.from_us < time_us < gap.to_us], "a gap is where nothing came"
        assert gap.to_us >= resumed_us or device == "hall", "a value may be as old as the server's new start"
    assert "agent stood still" in gateway.agent.text()


@pytest.mark.parametrize(("queue", "is_lost"), [(1_000, False), (2, True)], ids=["a long queue", "a short queue"])
def test_subscription_that_outlives_the_pause_gives_what_the_server_queued(
    make_gateway: MakeGateway, processes: Processes, peer: Peer, queue: int, *, is_lost: bool
) -> None:
    port = find_free_port()
    words = ["plant", "--opcua-port", str(port), "--modbus-port", str(find_free_port()), "--seed", "7"]
    processes.millstream(*words, name="plant").start().wait_for_text('"opcua"')
    keys = f'queue = {queue}\nkeep_alive = "100ms"\ntimeout = "500ms"\n'
    device = plant_tables(port, "temperature").replace("sampling =", f"{keys}sampling =")
    gateway = make_gateway(agent='pause = "2s"').write(device).start()
    peer.wait_for_samples(10, SUBSCRIBED)
    stand_still(gateway.agent)
    stopped_us = now_us()
    wait_until(lambda: now_us() - stopped_us > 5_000_000, "longer than any patience with the server")
    resumed_us = now_us()
    gateway.agent.resume()
    wait_until(lambda: any(each.time_us > resumed_us for each in peer.samples(SUBSCRIBED)), "it goes on")
    gateway.agent.terminate()
    assert "agent stood still" in gateway.agent.text()
    assert "connection was lost" not in gateway.agent.text()
    times = sorted(sample.time_us for sample in peer.samples(SUBSCRIBED))
    longest = max((after - before, before, after) for before, after in itertools.pairwise(times))
    held = [time_us for time_us in times if stopped_us < time_us < resumed_us]
    if is_lost:
        (gap,) = peer.gaps()
        assert (gap.reason, gap.tags, gap.to_us) == ("agent_stopped", (SUBSCRIBED,), longest[2])
        assert longest[1] <= gap.from_us
        assert not [time_us for time_us in times if gap.from_us < time_us < gap.to_us]
    else:
        assert not peer.gaps()
        assert longest[0] < 2_000_000
    assert held, "with the times that the server gave them"
