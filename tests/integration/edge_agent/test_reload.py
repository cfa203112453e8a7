"""A changed configuration: only what changed is restarted, an invalid one is refused and the old one kept."""

import os
import signal
from collections.abc import Callable

from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import Processes, wait_until
from tests.integration.edge_agent.gateway import Gateway, counting
from tests.integration.edge_agent.ledger import assert_complete, outbox_count
from tests.integration.edge_agent.peer import Peer

MakeGateway = Callable[..., Gateway]
MakeDevice = Callable[..., CountingDevice]


def hang_up(gateway: Gateway, words: str) -> None:
    said = gateway.agent.text().count(words)
    os.kill(gateway.agent.pid, signal.SIGHUP)
    gateway.agent.wait_for(lambda: gateway.agent.text().count(words) > said, words)


def test_only_changed_devices_are_restarted(
    make_gateway: MakeGateway, make_counting_device: MakeDevice, peer: Peer
) -> None:
    steady, changing = make_counting_device(2).start(), make_counting_device(2).start()
    gateway = make_gateway().write(counting(changing, "changing"), counting(steady, "steady")).start()
    peer.wait_for_samples(10, "plant/steady/c0")
    # A tag more in the first device moves the place of every tag of the second one in the agent's list.
    more = counting(changing, "changing") + f'[[device.tag]]\nname = "again"\naddress = "{changing.address(1)}"\n'
    gateway.write(more + 'type = "uint64"\n', counting(steady, "steady"))
    hang_up(gateway, "configuration reloaded")
    assert "devices=['changing']" in gateway.agent.text()
    peer.wait_for_samples(10, "plant/changing/again")
    count = len(peer.samples("plant/steady/c0"))
    peer.wait_for_samples(count + 10, "plant/steady/c0")
    wait_until(lambda: outbox_count(gateway.outbox) <= 5, "the outbox drains")
    gateway.agent.terminate()
    assert_complete(steady, peer, "plant/steady", gateway.outbox)
    assert {(gap.device, gap.reason) for gap in peer.gaps()} == {("changing", "configuration_changed")}
    values = {sample.path: sample.value for sample in peer.samples()}
    assert values["plant/changing/again"] in {answer.count for answer in changing.answers() if answer.counter == 1}


def test_removed_device_leaves_the_catalog_and_a_new_one_joins(
    make_gateway: MakeGateway, make_counting_device: MakeDevice, peer: Peer
) -> None:
    old, new = make_counting_device(1).start(), make_counting_device(1).start()
    gateway = make_gateway().write(counting(old, "old")).start()
    wait_until(lambda: peer.catalog, "the catalog")
    gateway.write(counting(new, "new"))
    wait_until(lambda: "devices=['new', 'old']" in gateway.agent.text(), "the changed file is seen without a signal")
    names = {"millstream/v1/gw-1/catalog/old/0": False, "millstream/v1/gw-1/catalog/new/0": True}
    wait_until(lambda: {topic: part is not None for topic, part in peer.catalog.items()} == names, "the new catalog")
    peer.wait_for_samples(5, "plant/new/c0")


def test_invalid_configuration_is_refused_and_the_old_one_kept(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer
) -> None:
    gateway = make_gateway().write(counting(counting_device)).start()
    peer.wait_for_samples(10, "plant/plc/c0")
    gateway.write(counting(counting_device).replace("holding:0", "holding:99999").replace("uint64", "uint63"))
    hang_up(gateway, "new configuration refused")
    assert "holding:99999" in gateway.agent.text()
    assert "uint63" in gateway.agent.text()
    count = len(peer.samples("plant/plc/c0"))
    peer.wait_for_samples(count + 10, "plant/plc/c0")
    gateway.agent.terminate()
    assert_complete(counting_device, peer, "plant/plc", gateway.outbox)
    assert peer.gaps() == []


def test_sections_that_are_read_at_start_only_are_refused_by_name(
    make_gateway: MakeGateway, counting_device: CountingDevice
) -> None:
    gateway = make_gateway().write(counting(counting_device)).start()
    gateway.config.write_text(gateway.config.read_text().replace('window = "20ms"', 'window = "30ms"'))
    hang_up(gateway, "new configuration refused")
    assert "[batch]: is read at start only" in gateway.agent.text()
    assert gateway.agent.is_running


def test_configuration_with_problems_starts_nothing(processes: Processes) -> None:
    gateway = Gateway(processes, "mqtt://127.0.0.1:1", mqtt="keepalive = 3").write(
        '[[device]]\nname = "a b"\nkind = "modbus"\nurl = "tcp://127.0.0.1:1"\n'
        '[[device.tag]]\nname = "x"\naddress = "holding:70000"\n'
    )
    assert gateway.agent.start().wait() == 2
    text = gateway.agent.text()
    for words in ("mqtt.keepalive", "did you mean keep_alive?", "device[0].name", "'a b'", "holding:70000"):
        assert words in text
    assert not gateway.outbox.exists()
