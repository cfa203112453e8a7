"""Browse paths to nodes, asked of the server anew at each session."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

from connectors.opcua.browse_paths import BrowsePath
from connectors.opcua.limits import Limit
from connectors.opcua.pieces import Answer, Item

_WHOLE_PATH = 0xFFFFFFFF


class Asking(Protocol):
    """What of a session is needed to ask."""

    namespaces: Sequence[str]
    translate_limit: Limit

    @property
    def client(self) -> Any:
        """The library's client."""
        ...

    async def chunked(
        self, items: Sequence[Item], most: Limit, call: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]]
    ) -> list[Answer]:
        """Ask for all items in requests that the server accepts."""
        ...


async def resolve(session: Asking, paths: Sequence[BrowsePath]) -> dict[BrowsePath, ua.NodeId]:
    """The nodes of these paths today; those that the server does not find are left out."""
    known = [path for path in paths if all(namespace in session.namespaces for namespace, _ in path.names)]
    root = ua.NodeId(ua.Int32(ObjectIds.RootFolder))
    indices = {uri: index for index, uri in reversed(list(enumerate(session.namespaces)))}
    asked = [(root, [(name, indices[namespace]) for namespace, name in path.names]) for path in known]
    found = await translate(session, asked, ObjectIds.HierarchicalReferences)
    return {path: node for path, node in zip(known, found, strict=True) if node is not None}


async def translate(
    session: Asking, asked: Sequence[tuple[ua.NodeId, Sequence[tuple[str, int]]]], reference: int
) -> list[ua.NodeId | None]:
    """The node at the end of each path of (name, namespace index) from its start; None where there is none."""
    results: list[Any] = await session.chunked(
        asked, session.translate_limit, lambda piece: _ask(session, piece, reference)
    )
    return [_target(result) for result in results]


async def _ask(session: Asking, piece: Sequence[Any], reference: int) -> list[Any]:
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
