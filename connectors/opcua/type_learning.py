"""Asks a server for the definitions of its own data types, as far as values need them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from connectors.opcua.descriptions import content
from connectors.opcua.session import Session, standard_node
from connectors.opcua.type_tree import Enumeration, Field, Layout, Structure, TypeKey, TypeTree

_IDS = ObjectIds
_LAYOUTS = {
    ua.StructureType.Structure: Layout.PLAIN,
    ua.StructureType.StructureWithOptionalFields: Layout.OPTIONAL,
    ua.StructureType.Union: Layout.UNION,
    ua.StructureType.StructureWithSubtypedValues: Layout.PLAIN,
    ua.StructureType.UnionWithSubtypedValues: Layout.UNION,
}
_WITH_SUBTYPES = (ua.StructureType.StructureWithSubtypedValues, ua.StructureType.UnionWithSubtypedValues)
_LAST_BUILTIN = 25
_DEEPEST = 16


def key_of(node: ua.NodeId) -> TypeKey:
    """A node id as the type tree holds it."""
    return node.NamespaceIndex, node.Identifier


async def learn_encodings(session: Session, types: TypeTree, encodings: Iterable[ua.NodeId]) -> None:
    """Learn the structures that have these binary encodings; what the server does not tell stays unknown."""
    unknown = [node for node in set(encodings) if key_of(node) not in types.asked]
    types.asked.update(map(key_of, unknown))
    found = await _neighbours(session, unknown, _IDS.HasEncoding)
    for encoding, data_type in found.items():
        types.encodings[key_of(encoding)] = key_of(data_type)
    await learn(session, types, found.values())


async def learn(session: Session, types: TypeTree, data_types: Iterable[ua.NodeId]) -> None:
    """Learn these types and all that their fields are made of."""
    level = set(data_types)
    for _ in range(_DEEPEST):
        unknown = [node for node in level if not _is_builtin(node) and key_of(node) not in types.asked]
        if not unknown:
            return
        types.asked.update(map(key_of, unknown))
        level = await _level(session, types, unknown)


async def _level(session: Session, types: TypeTree, unknown: Sequence[ua.NodeId]) -> set[ua.NodeId]:
    """One step: take what is defined, go up from what is not; returns the types that fields have."""
    definitions = await session.read_attributes(unknown, AttributeIds.DataTypeDefinition)
    names = await session.read_attributes(unknown, AttributeIds.BrowseName)
    below: set[ua.NodeId] = set()
    simple: dict[ua.NodeId, Mapping[int, str]] = {}
    for node, answer, name in zip(unknown, definitions, names, strict=True):
        found = content(answer)
        if isinstance(found, ua.StructureDefinition):
            types.structures[key_of(node)] = _structure(getattr(content(name), "Name", None) or str(node), found)
            if found.DefaultEncodingId and found.DefaultEncodingId.Identifier:
                types.encodings[key_of(found.DefaultEncodingId)] = key_of(node)
                types.asked.add(key_of(found.DefaultEncodingId))
            below.update(field.DataType for field in found.Fields or ())
        else:
            simple[node] = _words(found)
    roots = await _builtin_roots(session, list(simple))
    for node, words in simple.items():
        builtin = roots.get(node)
        if words and builtin is not None:
            types.enumerations[key_of(node)] = Enumeration(words, builtin)
        elif builtin is not None:
            types.builtins[key_of(node)] = builtin
    return below


async def _builtin_roots(session: Session, nodes: Sequence[ua.NodeId]) -> dict[ua.NodeId, int]:
    """The built-in type that each of these comes from."""
    roots: dict[ua.NodeId, int] = {}
    at = {node: node for node in nodes}
    for _ in range(_DEEPEST):
        above = await _neighbours(session, list(set(at.values())), _IDS.HasSubtype)
        at = {node: above[here] for node, here in at.items() if here in above}
        for node, here in list(at.items()):
            if here == standard_node(_IDS.Enumeration):
                roots[node] = _IDS.Int32
            elif _is_builtin(here):
                roots[node] = int(here.Identifier)
            else:
                continue
            del at[node]
        if not at:
            break
    return roots


async def _neighbours(session: Session, nodes: Sequence[ua.NodeId], reference: int) -> dict[ua.NodeId, ua.NodeId]:
    """What each node hangs on by such a reference."""

    async def browse(piece: Sequence[ua.NodeId]) -> list[Any]:
        wanted = [
            ua.BrowseDescription(
                NodeId=node,
                BrowseDirection=ua.BrowseDirection.Inverse,
                ReferenceTypeId=standard_node(reference),
                IncludeSubtypes=True,
                NodeClassMask=0,
                ResultMask=ua.BrowseResultMask.None_,
            )
            for node in piece
        ]
        parameters = ua.BrowseParameters(View=ua.ViewDescription(), NodesToBrowse=wanted)
        return await session.client.browse(parameters)

    if not nodes:
        return {}
    results = await session.chunked(nodes, session.browse_limit, browse)
    firsts = {
        node: result.References[0].NodeId for node, result in zip(nodes, results, strict=True) if result.References
    }
    return {node: ua.NodeId(above.Identifier, above.NamespaceIndex) for node, above in firsts.items()}


def _is_builtin(node: ua.NodeId) -> bool:
    return node.NamespaceIndex == 0 and isinstance(node.Identifier, int) and 0 < node.Identifier <= _LAST_BUILTIN


def _structure(name: str, found: ua.StructureDefinition) -> Structure:
    has_subtypes = found.StructureType in _WITH_SUBTYPES
    fields = tuple(
        Field(
            name=field.Name or f"field{number}",
            type=key_of(field.DataType),
            dimensions=field.ValueRank,
            is_optional=bool(field.IsOptional) and not has_subtypes,
            has_subtypes=bool(field.IsOptional) and has_subtypes,
        )
        for number, field in enumerate(found.Fields or ())
    )
    return Structure(name, _LAYOUTS[ua.StructureType(found.StructureType)], fields)


def _words(found: Any) -> Mapping[int, str]:
    if not isinstance(found, ua.EnumDefinition):
        return {}
    return {field.Value: (field.DisplayName and field.DisplayName.Text) or field.Name or "" for field in found.Fields}
