"""Named addresses looked at one after the other, gently; only named ranges, and only ports of known protocols."""

import asyncio
import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors import registry
from connectors.contract import Discovery, FoundDevice, LookOptions
from connectors.errors import ConfigInvalid
from edge_agent.commissioning.screen import Progress

MOST_ADDRESSES = 1024
"""A wider range is a mistake, or nothing to do to a plant's network."""

_LAST_PART = re.compile(r"((?:\d{1,3}\.){3})(\d{1,3})-(\d{1,3})")
_PORT = re.compile(r"(?:([a-z0-9_]+):)?(\d{1,5})")


class TargetInvalid(Exception):
    """A range, a port or a list of units that cannot be scanned."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One port of one address, and the protocol to try there."""

    kind: str
    host: str
    port: int
    discovery: Discovery


def addresses(text: str) -> list[str]:
    """The hosts of 192.0.2.0/28, 192.0.2.5-20, one address or one name; raises TargetInvalid."""
    if found := _LAST_PART.fullmatch(text):
        first, last = int(found[2]), int(found[3])
        if first > last or last > 255:
            raise TargetInvalid(f"{text!r} counts backwards or beyond 255")
        hosts = [f"{found[1]}{number}" for number in range(first, last + 1)]
        _check(hosts[0])
        return hosts
    if "/" not in text:
        return [text]
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise TargetInvalid(f"{text!r} is not a range: {error}") from error
    if network.num_addresses > MOST_ADDRESSES:
        raise TargetInvalid(f"{text!r} has {network.num_addresses} addresses; allowed: {MOST_ADDRESSES}, so a /22")
    return [str(host) for host in network.hosts()]


def units(text: str) -> list[int]:
    """The units of `1`, `1-10` or `1,5,7-9`; raises TargetInvalid."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()):
            raise TargetInvalid(f"{text!r} is no list of units; allowed: 1, 1-10 or 1,5,7-9")
        found += range(int(first), int(last or first) + 1)
    if not found or max(found) > 255:
        raise TargetInvalid(f"{text!r} has no unit, or one above 255")
    return list(dict.fromkeys(found))


def spots(hosts: Sequence[str], ports: Sequence[str]) -> list[Spot]:
    """Where to look: the standard ports of all kinds, or those named, as 5020 or modbus:5020."""
    kinds = _discoveries()
    tried: list[tuple[str, int]] = []
    for text in ports:
        found = _PORT.fullmatch(text)
        if found is None or not 0 < int(found[2]) <= 0xFFFF or (found[1] and found[1] not in kinds):
            raise TargetInvalid(f"{text!r} is no port; allowed: 502, or with one of {', '.join(kinds)}: modbus:502")
        tried += [(name, int(found[2])) for name in ([found[1]] if found[1] else kinds)]
    if not ports:
        tried = [(name, port) for name, discovery in kinds.items() for port in discovery.ports]
    return [Spot(name, host, port, kinds[name]) for host in hosts for name, port in tried]


async def scan(where: Sequence[Spot], options: LookOptions, progress: Progress) -> list[FoundDevice]:
    """Look at one spot after the other, with a pause between them."""
    found: list[FoundDevice] = []
    for number, spot in enumerate(where, start=1):
        progress.say(f"{number} of {len(where)}: {spot.host}:{spot.port} {spot.kind}, {len(found)} found")
        found += await spot.discovery.look(spot.host, spot.port, options)
        await asyncio.sleep(options.pause_s)
    return found


def described(found: Sequence[FoundDevice]) -> Iterator[str]:
    """The devices as text."""
    for device in found:
        yield f"{device.url}  {device.name}"
        yield from (f"    {key}: {text}" for key, text in device.details.items())


def _check(host: str) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError as error:
        raise TargetInvalid(str(error)) from error


def _discoveries() -> Mapping[str, Discovery]:
    found: dict[str, Discovery] = {}
    for name in registry.kinds():
        try:
            discovery = registry.kind(name).discovery
        except ConfigInvalid:
            continue  # its library is not installed
        if discovery is not None:
            found[name] = discovery
    return found
