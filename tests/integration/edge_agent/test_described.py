"""What an OPC UA server says of its variables is in the agent's catalog, though the configuration is silent."""

from collections.abc import Callable

from schemas.catalog import TagDescription
from schemas.sample import Kind
from tests.fixtures.processes import Processes, find_free_port, wait_until
from tests.integration.edge_agent.gateway import Gateway
from tests.integration.edge_agent.peer import Peer

TABLES = """
[[device]]
name = "hall"
path = "plant/hall"
kind = "opcua"
url = "opc.tcp://127.0.0.1:{port}"
[[device.tag]]
name = "temperature"
node = "nsu=urn:millstream:plant;s=imm-1.zone-1.temperature"
[[device.tag]]
name = "ours"
node = "nsu=urn:millstream:plant;s=imm-1.zone-1.temperature"
unit = "K"
scale = 1.0
offset = 273.15
"""


def test_catalog_says_what_the_server_says(
    make_gateway: Callable[..., Gateway], processes: Processes, peer: Peer
) -> None:
    port = find_free_port()
    words = ["plant", "--opcua-port", str(port), "--modbus-port", str(find_free_port()), "--seed", "7"]
    processes.millstream(*words, name="plant").start().wait_for_text('"opcua"')
    gateway = make_gateway().write(TABLES.format(port=port)).start()

    def tags() -> dict[str, TagDescription]:
        return {tag.path: tag for part in peer.catalog.values() if part is not None for tag in part.tags}

    wait_until(lambda: tags().get("plant/hall/temperature", TagDescription("")).unit == "°C", "the unit is told")
    told = tags()["plant/hall/temperature"]
    assert told.kind is Kind.F64
    assert told.low is not None
    assert told.high is not None
    ours = tags()["plant/hall/ours"]
    assert (ours.unit, ours.low, ours.high, ours.kind) == ("K", None, None, None)
    gateway.agent.terminate()
