"""Points by browse path: names from the root down, resolved anew at each session."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

from connectors.opcua.node_id import STANDARD_NAMESPACE, NodeAddress

if TYPE_CHECKING:
    from connectors.opcua.session import Session

ALLOWED = "/0:Objects/nsu=<namespace URI>;<name>/<name>…; a name without namespace is of the one before it"
_WHOLE_PATH = 0xFFFFFFFF


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


async def resolve(session: "Session", paths: Sequence[BrowsePath]) -> dict[BrowsePath, ua.NodeId]:
    """The nodes of these paths today; those that the server does not find are left out."""
    known = [path for path in paths if all(namespace in session.namespaces for namespace, _ in path.names)]
    root = ua.NodeId(ua.Int32(ObjectIds.RootFolder))
    indices = {uri: index for index, uri in reversed(list(enumerate(session.namespaces)))}
    asked = [(root, [(name, indices[namespace]) for namespace, name in path.names]) for path in known]
    found = await translate(session, asked, ObjectIds.HierarchicalReferences)
    return {path: node for path, node in zip(known, found, strict=True) if node is not None}


async def translate(
    session: "Session", asked: Sequence[tuple[ua.NodeId, Sequence[tuple[str, int]]]], reference: int
) -> list[ua.NodeId | None]:
    """The node at the end of each path of (name, namespace index) from its start; None where there is none."""
    results: list[Any] = await session.chunked(
        asked, session.translate_limit, lambda piece: _ask(session, piece, reference)
    )
    return [_target(result) for result in results]


async def _ask(session: "Session", piece: Sequence[Any], reference: int) -> list[Any]:
    paths: list[ua.BrowsePath] = []
    for start, names in piece:
        element: Any = ua.RelativePathElement
        elements = [
            element(
                ReferenceTypeId=ua.NodeId(ua.Int32(reference)),
                IsInverse=False,
                IncludeSubtypes=True,
                TargetName=ua.QualifiedName(name, index),
            )
            for name, index in names
        ]
        paths.append(ua.BrowsePath(StartingNode=start, RelativePath=ua.RelativePath(Elements=elements)))
    return await session.client.translate_browsepaths_to_nodeids(paths)


def _target(result: Any) -> ua.NodeId | None:
    if result.StatusCode.value != StatusCodes.Good:
        return None
    whole = [target.TargetId for target in result.Targets if target.RemainingPathIndex == _WHOLE_PATH]
    return ua.NodeId(whole[0].Identifier, whole[0].NamespaceIndex) if whole else None
