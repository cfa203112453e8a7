"""The server's address space: which variables there are, and writing one of them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from connectors.contract import BrowsedPoint
from connectors.errors import PointRejected
from connectors.opcua.browse_paths import Address
from connectors.opcua.recording import left_out
from connectors.opcua.session import Session, standard_node
from schemas import status
from schemas.sample import Kind, Value

_IDS = ObjectIds
_TYPES = ua.VariantType
_UNIT = "EngineeringUnits"
_RANGE = "EURange"
_WHOLE: dict[ua.VariantType, tuple[int, int]] = {
    _TYPES.SByte: (-(2**7), 2**7 - 1),
    _TYPES.Byte: (0, 2**8 - 1),
    _TYPES.Int16: (-(2**15), 2**15 - 1),
    _TYPES.UInt16: (0, 2**16 - 1),
    _TYPES.Int32: (-(2**31), 2**31 - 1),
    _TYPES.UInt32: (0, 2**32 - 1),
    _TYPES.Int64: (-(2**63), 2**63 - 1),
    _TYPES.UInt64: (0, 2**64 - 1),
}


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


async def write_value(session: Session, point: int, address: Address, value: Value) -> None:
    """Write in the type that the variable holds now; raises PointRejected."""
    node = session.node(address)
    if node is None:
        raise PointRejected(point, status.BAD_NODE_ID_UNKNOWN, f"{address}: the server does not know the namespace")
    with left_out():
        (current,) = await session.read_values([node])
    code = 0 if current.StatusCode is None else current.StatusCode.value
    kind = current.Value.VariantType if current.Value is not None else _TYPES.Null
    if kind == _TYPES.Null:
        kind = await _declared_type(session, point, node, code)
    variant = ua.Variant(_fit(point, kind, value), kind)
    parameters = ua.WriteParameters(
        NodesToWrite=[
            # Without status and times: many servers refuse a write that sets them (Part 4, 5.10.4).
            ua.WriteValue(
                NodeId=node,
                AttributeId=AttributeIds.Value,
                Value=ua.DataValue(Value=variant, StatusCode=None),
            )
        ]
    )
    (outcome,) = await session.client.write(parameters)
    if status.is_bad(outcome.value):
        raise PointRejected(point, outcome.value, f"{address}: {status.name(outcome.value)}")


async def _declared_type(session: Session, point: int, node: ua.NodeId, code: int) -> ua.VariantType:
    (answer,) = await session.read_attributes([node], AttributeIds.DataType)
    declared = _value(answer)
    number = declared.Identifier if isinstance(declared, ua.NodeId) and declared.NamespaceIndex == 0 else None
    if isinstance(number, int) and 0 < number <= _TYPES.LocalizedText:
        return _TYPES(number)
    raise PointRejected(point, code or status.BAD_NOT_SUPPORTED, "the type of the variable is not known")


def _fit(point: int, kind: Any, value: Value) -> Value:
    """The value as this type, or PointRejected: nothing is rounded or clipped in silence."""
    if kind == _TYPES.Boolean and isinstance(value, bool):
        return value
    if kind in _WHOLE and not isinstance(value, bool | str) and value is not None and value == int(value):
        low, high = _WHOLE[kind]
        if low <= value <= high:
            return int(value)
        raise PointRejected(point, status.BAD_OUT_OF_RANGE, f"{value} is not between {low} and {high}")
    if kind in (_TYPES.Float, _TYPES.Double) and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind == _TYPES.String and isinstance(value, str):
        return value
    raise PointRejected(point, status.BAD_TYPE_MISMATCH, f"{value!r} cannot be written as {kind.name}")
