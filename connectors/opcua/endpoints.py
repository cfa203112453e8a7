"""Where a server says that it is, beside where it was found (pure)."""

from collections.abc import Iterable
from urllib.parse import urlsplit

_DEFAULT_PORT = 4840


def advertised_elsewhere(url: str, advertised: Iterable[str]) -> tuple[str, ...]:
    """The addresses that the server gives itself, where none of them is the one that we use; else nothing."""
    others = {_address(each): each for each in advertised if each.startswith("opc.tcp://")}
    return () if _address(url) in others else tuple(others.values())


def advice(url: str, others: Iterable[str]) -> str:
    """What to make of it, in one sentence."""
    return (
        f"{url} says of itself that it is {', '.join(others)}; we stay with the configured url, so this is no fault of "
        "the agent. A client that believes the server, such as UaExpert, may not get through: correct the host name or "
        "port in the server's endpoint settings, or the address translation in between"
    )


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # a server may advertise just anything
        return url, 0
    return parts.hostname or "", port or _DEFAULT_PORT
