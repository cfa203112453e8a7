"""Points by browse path: names from the root down, as text and as parts (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from connectors.opcua.node_id import STANDARD_NAMESPACE, NodeAddress

ALLOWED = "/0:Objects/nsu=<namespace URI>;<name>/<name>…; a name without namespace is of the one before it"


@dataclass(frozen=True, slots=True)
class BrowsePath:
    """Names below the root folder, each with the URI of its namespace."""

    names: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "".join(f"/{_shown(namespace)}{_escaped(name)}" for namespace, name in self.names)


Address: TypeAlias = NodeAddress | BrowsePath
"""Where a variable is: by its node id, or by names on the way to it."""


def parse(text: str) -> BrowsePath:
    """Read a path; raises ValueError that says what is allowed. `&` takes what follows it as a plain character."""
    names: list[tuple[str, str]] = []
    namespace = STANDARD_NAMESPACE
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is not a browse path; allowed: {ALLOWED}")
    for prefix, name in _segments(text):
        if prefix is not None:
            namespace = prefix
        if not name:
            raise ValueError(f"{text!r} has an empty name; allowed: {ALLOWED}")
        names.append((namespace, name))
    return BrowsePath(tuple(names))


def _segments(text: str) -> Iterator[tuple[str | None, str]]:
    at = 0
    while at < len(text):
        at += 1
        prefix = None
        if text.startswith("0:", at):
            prefix, at = STANDARD_NAMESPACE, at + 2
        elif text.startswith("nsu=", at):
            end = text.find(";", at)
            if end < 0 or end == at + 4:
                raise ValueError(f"{text!r}: a ; ends the namespace URI, which is not empty; allowed: {ALLOWED}")
            prefix, at = text[at + 4 : end].replace("%3B", ";").replace("%25", "%"), end + 1
        name = ""
        while at < len(text) and text[at] != "/":
            at += text[at] == "&" and at + 1 < len(text)
            name += text[at]
            at += 1
        if prefix is None and ":" in name and name.partition(":")[0].isdecimal():
            raise ValueError(f"{text!r} names a namespace by its index, which changes; allowed: {ALLOWED}")
        yield prefix, name


def _shown(namespace: str) -> str:
    if namespace == STANDARD_NAMESPACE:
        return "0:"
    return f"nsu={namespace.replace('%', '%25').replace(';', '%3B')};"


def _escaped(name: str) -> str:
    return name.replace("&", "&&").replace("/", "&/")
