"""Writing to an OPC UA server that takes every write, and does with it what it likes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from asyncua import Server, ua

from edge_agent.commissioning.commands import write

NAMESPACE = "urn:millstream:test:controller"
NODES = ("clamped", "late", "plain")


@pytest.fixture
async def controller(free_port: Callable[[], int]) -> AsyncIterator[str]:
    """A server: `clamped` keeps 5 at most, `late` takes a value over half a second later, `plain` at once."""
    server = Server()
    await server.init()
    url = f"opc.tcp://127.0.0.1:{free_port()}"
    server.set_endpoint(url)
    index = await server.register_namespace(NAMESPACE)

    def clamp(node: Any, attribute: ua.AttributeIds, value: ua.DataValue) -> None:
        assert value.Value is not None
        limited = ua.DataValue(ua.Variant(min(value.Value.Value, 5.0), ua.VariantType.Double))
        node.attributes[attribute].value = limited

    def take_late(node: Any, attribute: ua.AttributeIds, value: ua.DataValue) -> None:
        asyncio.get_running_loop().call_later(0.5, setattr, node.attributes[attribute], "value", value)

    for name, setter in zip(NODES, (clamp, take_late, None), strict=True):
        node = await server.nodes.objects.add_variable(ua.NodeId(name, index), name, 1.0, ua.VariantType.Double)
        await node.set_writable()
        if setter is not None:
            server.set_attribute_value_setter(node.nodeid, setter)
    async with server:
        yield url


CASES = [
    ("plain", "7.5", 0, "1 -> 7.5"),
    ("late", "7.5", 0, "1 -> 7.5"),
    ("clamped", "4.5", 0, "1 -> 4.5"),
    ("clamped", "7.5", 1, "holds 5.0, not 7.5"),
]


async def test_write_is_done_when_the_server_holds_the_value(
    controller: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "agent.toml"
    head = '[agent]\nid = "g"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[[device]]\nname = "c"\nkind = "opcua"\n'
    tags = [f'[[device.tag]]\nname = "{name}"\nnode = "nsu={NAMESPACE};s={name}"\nwritable = true\n' for name in NODES]
    path.write_text(f'{head}url = "{controller}"\n{"".join(tags)}')
    for tag, value, code, said in CASES:
        assert await asyncio.to_thread(write, path, f"c/{tag}", value) == code, tag
        shown = capsys.readouterr()
        assert said in (shown.err if code else shown.out)
