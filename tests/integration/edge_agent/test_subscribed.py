"""A device that reports by itself: the simulated plant over OPC UA, through the agent to the peer."""

from collections.abc import Callable

from schemas import status as codes
from tests.fixtures.processes import Processes, find_free_port, wait_until
from tests.integration.edge_agent.gateway import Gateway
from tests.integration.edge_agent.peer import Peer

MakeGateway = Callable[..., Gateway]
NODES = {
    "temperature": "nsu=urn:millstream:plant;s=imm-1.zone-1.temperature",
    "nowhere": "nsu=urn:millstream:plant;s=imm-1.no-such-node",
}


def plant_tables(port: int, *names: str) -> str:
    tags = "".join(f'[[device.tag]]\nname = "{name}"\nnode = "{NODES[name]}"\n' for name in names or NODES)
    return f"""
[[device]]
name = "hall"
path = "plant/hall"
kind = "opcua"
url = "opc.tcp://127.0.0.1:{port}"
sampling = "50ms"
publishing = "100ms"
retry_min = "100ms"
retry_max = "500ms"
{tags}"""


def test_subscription_survives_a_plant_that_is_killed(
    make_gateway: MakeGateway, processes: Processes, peer: Peer
) -> None:
    port = find_free_port()
    words = ["plant", "--opcua-port", str(port), "--modbus-port", str(find_free_port()), "--seed", "7"]
    plant = processes.millstream(*words, name="plant").start().wait_for_text('"opcua"')
    gateway = make_gateway().write(plant_tables(port)).start()
    before = peer.wait_for_samples(10, "plant/hall/temperature")
    assert all(isinstance(sample.value, float) for sample in before if sample.status == codes.GOOD)
    assert len({sample.time_us for sample in before}) == len(before), "each value has its own source time"
    (nowhere,) = wait_until(lambda: peer.samples("plant/hall/nowhere"), "the unknown node says so")
    assert codes.is_bad(nowhere.status)
    plant.kill()
    wait_until(lambda: codes.is_bad(peer.samples("plant/hall/temperature")[-1].status), "the tag goes Bad")
    plant.start()
    wait_until(lambda: not codes.is_bad(peer.samples("plant/hall/temperature")[-1].status), "it comes back by itself")
    gateway.agent.terminate()
    assert any(gap.device == "hall" and gap.reason == "device_unreachable" for gap in peer.gaps())
    samples = peer.samples("plant/hall/temperature")
    assert len({(sample.time_us, sample.status) for sample in samples}) == len(samples), (
        "a notification is stored twice"
    )
