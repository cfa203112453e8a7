"""Who answers at an address: OPC UA servers by FindServers and GetEndpoints, and the security that they offer."""

import asyncio
import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from asyncua import ua
from asyncua.client.client import Client

from connectors.contract import Discovery, FoundDevice, LookOptions
from connectors.opcua.config import DEFAULT_PORT

_ANSWERS = 4
"""A question is a connection, a hello, a channel and the question itself: each has its time-out."""

_LOGINS = {
    ua.UserTokenType.Anonymous: "anonymous",
    ua.UserTokenType.UserName: "user name",
    ua.UserTokenType.Certificate: "certificate",
    ua.UserTokenType.IssuedToken: "issued token",
}


async def look(host: str, port: int, options: LookOptions) -> Sequence[FoundDevice]:
    """The servers that this address knows of, each with its endpoints' security."""
    if not await _accepts(host, port, options.timeout_s):
        return []
    url = f"opc.tcp://{host}:{port}"
    try:
        with _quiet():
            servers = await _asked(Client(url, timeout=options.timeout_s).connect_and_find_servers(), options)
            await asyncio.sleep(options.pause_s)
            endpoints = await _asked(Client(url, timeout=options.timeout_s).connect_and_get_server_endpoints(), options)
    except Exception:  # noqa: BLE001 whatever listens there does not speak OPC UA to us, in whatever way it shows that
        return [FoundDevice(url, "open port", {"application": "did not answer as OPC UA"})]
    return [_described(url, server, endpoints) for server in servers] or [_described(url, None, endpoints)]


DISCOVERY = Discovery(ports=(DEFAULT_PORT,), look=look)


async def _accepts(host: str, port: int, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    await asyncio.sleep(0)  # it is closed in the loop's next round
    return True


async def _asked(question: Any, options: LookOptions) -> Any:
    async with asyncio.timeout(options.timeout_s * _ANSWERS):
        return await question


@contextmanager
def _quiet() -> Generator[None]:
    """asyncua logs a traceback for whatever does not speak OPC UA; here that is an answer like any other."""
    library = logging.getLogger("asyncua")
    before = library.level
    library.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        library.setLevel(before)


def _described(url: str, server: Any, endpoints: Sequence[Any]) -> FoundDevice:
    own = [each for each in endpoints if server is None or each.Server.ApplicationUri == server.ApplicationUri]
    described = server if server is not None else (endpoints[0].Server if endpoints else None)
    details: dict[str, str] = {}
    if described is not None:
        details["application"] = str(described.ApplicationUri)
        details["product"] = str(described.ProductUri)
        urls = [str(each) for each in described.DiscoveryUrls or ()]
        details["advertised"] = ", ".join(urls)
    details["security"] = ", ".join(dict.fromkeys(_security(each) for each in own)) or "not told at this address"
    tokens = [token.TokenType for each in own for token in each.UserIdentityTokens or ()]
    details["login"] = ", ".join(dict.fromkeys(_LOGINS.get(token, str(token)) for token in tokens))
    name = described.ApplicationName.Text if described is not None else None
    return FoundDevice(url, name or "OPC UA server", {key: text for key, text in details.items() if text})


def _security(endpoint: Any) -> str:
    policy = str(endpoint.SecurityPolicyUri).rpartition("#")[2]
    mode = endpoint.SecurityMode.name.rstrip("_")
    return policy if policy == "None" else f"{policy}/{mode}"
