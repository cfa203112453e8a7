"""The suite that every kind must pass, for both modes and both makes of server."""

import asyncio

import pytest

from connectors.conformance import CHECKS, Check, Rig
from connectors.opcua import KIND
from tests.fixtures.proxy import Proxies
from tests.integration.connectors.opcua.conftest import WallClock, point
from tests.integration.connectors.opcua.servers import TestServer

NAMES = ["Double", "Int64", "UInt64", "Boolean", "String", "Array", "Nowhere", "Float"]


@pytest.mark.parametrize("mode", ["polled", "subscribed"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_conforms(shared_server: TestServer, make_proxy: Proxies, check: Check, mode: str) -> None:
    proxy = make_proxy(shared_server.port)
    config = {"url": f"opc.tcp://127.0.0.1:{proxy.port}", "mode": mode, "publishing": "50ms", "sampling": "20ms"}
    await check(
        Rig(
            kind=KIND,
            config={**config, "keep_alive": "200ms", "timeout": "10s"},
            points=[{"node": point(name)} for name in NAMES],
            clock=WallClock(),
            break_device=lambda: asyncio.to_thread(proxy.refuse),
            restore_device=lambda: asyncio.to_thread(proxy.accept),
            refused=[NAMES.index("Nowhere")],
            writes={0: 7.5, 1: -(2**62), 4: "停机"},
            patience_s=40,
        )
    )
