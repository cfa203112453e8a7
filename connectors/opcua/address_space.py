"""The server's address space: which variables there are."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from connectors.contract import BrowsedPoint
from connectors.opcua.session import Session, standard_node
from schemas.sample import Kind

_IDS = ObjectIds
_UNIT = "EngineeringUnits"
_RANGE = "EURange"


@dataclass(slots=True)
class _Found:
    """A node on the way down, with the names that lead to it."""

    path: tuple[str, ...]
    node: ua.NodeId
    is_variable: bool


async def browse_variables(session: Session) -> AsyncIterator[BrowsedPoint]:
    """Walk down from the Objects folder, level by level, each node once."""
    level = [_Found((), standard_node(_IDS.ObjectsFolder), is_variable=False)]
    seen = {level[0].node, standard_node(_IDS.Server)}
    while level:
        children = await _children(session, level)
        below: list[_Found] = []
        properties: dict[ua.NodeId, dict[str, ua.NodeId]] = {}
        for parent, references in zip(level, children, strict=True):
            for reference in references:
                if parent.is_variable and reference.ReferenceTypeId == standard_node(_IDS.HasProperty):
                    properties.setdefault(parent.node, {})[reference.BrowseName.Name] = reference.NodeId
                elif reference.NodeId not in seen:
                    seen.add(reference.NodeId)
                    below.append(_found(parent, reference))
        async for point in _describe(session, [found for found in level if found.is_variable], properties):
            yield point
        level = below


def _found(parent: _Found, reference: Any) -> _Found:
    node = ua.NodeId(reference.NodeId.Identifier, reference.NodeId.NamespaceIndex)
    name = reference.BrowseName.Name or ""
    return _Found((*parent.path, name), node, reference.NodeClass == ua.NodeClass.Variable)


async def _children(session: Session, level: Sequence[_Found]) -> list[list[Any]]:
    async def browse(piece: Sequence[_Found]) -> list[list[Any]]:
        parameters = ua.BrowseParameters(
            View=ua.ViewDescription(),
            NodesToBrowse=[
                ua.BrowseDescription(
                    NodeId=found.node,
                    BrowseDirection=ua.BrowseDirection.Forward,
                    ReferenceTypeId=standard_node(_IDS.HierarchicalReferences),
                    IncludeSubtypes=True,
                    NodeClassMask=ua.NodeClass.Object | ua.NodeClass.Variable,
                    ResultMask=ua.BrowseResultMask.All,
                )
                for found in piece
            ],
        )
        results = await session.client.browse(parameters)
        return [list(result.References or ()) + await _rest(session, result.ContinuationPoint) for result in results]

    return await session.chunked(level, session.browse_limit, browse)


async def _rest(session: Session, continuation: bytes | None) -> list[Any]:
    references: list[Any] = []
    while continuation:
        (result,) = await session.client.browse_next(ua.BrowseNextParameters(ContinuationPoints=[continuation]))
        references += result.References or ()
        continuation = result.ContinuationPoint
    return references


async def _describe(
    session: Session, variables: Sequence[_Found], properties: dict[ua.NodeId, dict[str, ua.NodeId]]
) -> AsyncIterator[BrowsedPoint]:
    if not variables:
        return
    values = await session.read_values([found.node for found in variables])
    writable = await session.read_attributes([found.node for found in variables], AttributeIds.UserAccessLevel)
    wanted = [node for found in variables for node in properties.get(found.node, {}).values()]
    details = dict(zip(wanted, await session.read_values(wanted), strict=True))
    for found, value, access in zip(variables, values, writable, strict=True):
        own = {name: _value(details[node]) for name, node in properties.get(found.node, {}).items()}
        unit, span = own.get(_UNIT), own.get(_RANGE)
        kind, content = session.decoder.decode(value.Value)
        yield BrowsedPoint(
            path=found.path,
            point={"node": str(session.decoder.address(found.node))},
            kind=None if kind is Kind.NONE else kind,
            unit=unit.DisplayName.Text if isinstance(unit, ua.EUInformation) else None,
            low=span.Low if isinstance(span, ua.Range) else None,
            high=span.High if isinstance(span, ua.Range) else None,
            is_writable=bool((_value(access) or 0) & (1 << ua.AccessLevel.CurrentWrite)),
            value=content,
        )


def _value(answer: ua.DataValue) -> Any:
    return None if answer.Value is None else answer.Value.Value
