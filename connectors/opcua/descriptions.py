"""What the server says of its variables: kind, engineering unit, range, description."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from connectors.contract import PointDescription
from connectors.opcua.path_nodes import translate
from connectors.opcua.session import Session
from connectors.opcua.values import clean_text
from schemas.sample import Kind

_PROPERTIES = ("EngineeringUnits", "EURange")
_LONGEST = 1_000
_IDS = ObjectIds
_KINDS: Mapping[int, Kind] = {
    _IDS.Boolean: Kind.BOOL,
    **dict.fromkeys((_IDS.SByte, _IDS.Int16, _IDS.Int32, _IDS.Int64, _IDS.Enumeration), Kind.I64),
    **dict.fromkeys((_IDS.Byte, _IDS.UInt16, _IDS.UInt32, _IDS.UInt64, _IDS.StatusCode, _IDS.Counter), Kind.U64),
    _IDS.Float: Kind.F32,
    **dict.fromkeys((_IDS.Double, _IDS.Duration), Kind.F64),
    **dict.fromkeys((_IDS.String, _IDS.DateTime, _IDS.UtcTime, _IDS.Guid, _IDS.ByteString), Kind.STR),
    **dict.fromkeys((_IDS.XmlElement, _IDS.NodeId, _IDS.ExpandedNodeId), Kind.STR),
    **dict.fromkeys((_IDS.QualifiedName, _IDS.LocalizedText, _IDS.LocaleId), Kind.STR),
}


async def describe(
    session: Session, nodes: Sequence[ua.NodeId], words: Sequence[Mapping[int, str]]
) -> list[PointDescription]:
    """What the server says of each node; a property that it does not have is None."""
    types = await session.read_attributes(nodes, AttributeIds.DataType)
    ranks = await session.read_attributes(nodes, AttributeIds.ValueRank)
    texts = await session.read_attributes(nodes, AttributeIds.Description)
    units, spans = [await _property(session, nodes, name) for name in _PROPERTIES]
    return [
        PointDescription(
            kind=kind_of(content(kind), content(rank)),
            unit=_unit(unit),
            description=_with_words(_text(content(text)), own_words),
            low=_bound(span, "Low"),
            high=_bound(span, "High"),
        )
        for kind, rank, text, unit, span, own_words in zip(types, ranks, texts, units, spans, words, strict=True)
    ]


def content(answer: ua.DataValue | None) -> Any:
    """The value within an answer; None where it is refused or empty."""
    if answer is None or answer.Value is None or (answer.StatusCode is not None and not answer.StatusCode.is_good()):
        return None
    return answer.Value.Value


def kind_of(data_type: Any, rank: Any) -> Kind | None:
    """The kind of values of a declared type; None where the declaration leaves it open."""
    if isinstance(rank, int) and rank >= 0:
        return Kind.JSON
    if rank != ua.ValueRank.Scalar or not isinstance(data_type, ua.NodeId) or data_type.NamespaceIndex != 0:
        return None
    number = data_type.Identifier
    return _KINDS.get(number) if isinstance(number, int) else None


async def _property(session: Session, nodes: Sequence[ua.NodeId], name: str) -> list[Any]:
    found = await translate(session, [(node, [(name, 0)]) for node in nodes], _IDS.HasProperty)
    present = [node for node in found if node is not None]
    answers = iter(await session.read_values(present) if present else ())
    return [None if node is None else content(next(answers)) for node in found]


def _with_words(text: str | None, words: Mapping[int, str]) -> str | None:
    """Behind the description stands what an enumeration's numbers mean, in the form of the agent's `enum`."""
    if not words:
        return text
    listed = "; ".join(f"{number}={word}" for number, word in sorted(words.items()))
    return (f"{text} ({listed})" if text else listed)[:_LONGEST]


def _unit(found: Any) -> str | None:
    return _text(found.DisplayName) if isinstance(found, ua.EUInformation) else None


def _text(found: Any) -> str | None:
    if not isinstance(found, ua.LocalizedText) or not found.Text:
        return None
    return clean_text(found.Text)


def _bound(found: Any, name: str) -> float | None:
    if not isinstance(found, ua.Range) or not found.Low < found.High:
        return None
    bound = getattr(found, name)
    return bound if math.isfinite(bound) else None
