"""Writing a variable, a range of an array, an element, or a field of a structure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, cast

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from connectors.errors import PointRejected
from connectors.opcua import parts
from connectors.opcua.browse_paths import Address
from connectors.opcua.fitting import as_bytes, fitted, fitted_list, number_of
from connectors.opcua.recording import left_out
from connectors.opcua.session import Session
from connectors.opcua.shapes import Shapes
from connectors.opcua.spots import spot_of
from connectors.opcua.type_learning import key_of
from schemas import status
from schemas.sample import Value

_TYPES = ua.VariantType


@dataclass(frozen=True, slots=True)
class Target:
    """What of which variable a point is."""

    point: int
    address: Address
    steps: tuple[parts.Step, ...] = ()
    index_range: str | None = None
    words: Mapping[int, str] | None = None
    """Set where words stand for the numbers of an enumeration."""


async def write(session: Session, shapes: Shapes, target: Target, value: Value) -> None:
    """Write in the type that the variable holds now; raises PointRejected when it cannot be, or the server refuses."""
    node = session.node(target.address)
    if node is None:
        why = f"{target.address}: the server does not know the namespace"
        raise PointRejected(target.point, status.BAD_NODE_ID_UNKNOWN, why)
    writer = _Writer(session, shapes, target, node)
    content = value if target.words is None else number_of(target.point, target.words, value)
    if target.index_range is not None:
        await writer.write_range(target.index_range, content)
    elif target.steps:
        await writer.write_part(content)
    else:
        await writer.write_whole(content)


class _Writer:
    """One write to one node."""

    def __init__(self, session: Session, shapes: Shapes, target: Target, node: ua.NodeId) -> None:
        self._session = session
        self._shapes = shapes
        self._target = target
        self._node = node

    async def write_whole(self, value: Value) -> None:
        """The variable as it is: a number, a text, or a JSON list for an array."""
        point = self._target.point
        (current,) = await self._read(None)
        code = 0 if current.StatusCode is None else current.StatusCode.value
        variant = current.Value
        if variant is not None and isinstance(variant.Value, list):
            await self._send(ua.Variant(fitted_list(point, variant.VariantType, value), variant.VariantType), None)
            return
        kind = _TYPES.Null if variant is None else variant.VariantType
        if kind == _TYPES.Null:
            kind = await self._declared_type(code)
        await self._send(ua.Variant(fitted(point, kind, value), kind), None)

    async def write_range(self, index_range: str, value: Value) -> None:
        """Only this range, where the server knows ranges: another one would take it for the whole array."""
        if not await self._knows_ranges():
            raise self._rejected(status.BAD_NOT_SUPPORTED, "the server does not know ranges of arrays")
        (part,) = await self._read(index_range)
        content = None if part.Value is None else part.Value.Value
        if part.Value is None or not isinstance(content, list):
            raise self._rejected(parts.BAD_INDEX_RANGE_NO_DATA, "there is no array of which it could be a range")
        kind, count = part.Value.VariantType, len(cast("list[Any]", content))
        if "," in index_range:
            raise self._rejected(status.BAD_NOT_SUPPORTED, "ranges of matrices cannot be written")
        is_one = parts.is_single(index_range)
        point = self._target.point
        new = [fitted(point, kind, value)] if is_one else fitted_list(point, kind, value, count)
        await self._send(ua.Variant(new, kind), index_range)

    async def write_part(self, value: Value) -> None:
        """An element, some elements, or a field; the rest of the value stays bit for bit as it is."""
        steps = list[parts.Step](self._target.steps)
        (current,) = await self._read(None)
        if current.Value is None or current.Value.Value is None:
            raise self._rejected(status.BAD_NO_DATA, "there is no value that it could be a part of")
        kind, content = current.Value.VariantType, current.Value.Value
        if isinstance(steps[0], str):
            await self._send(ua.Variant(await self._with_field(content, steps, value), kind), None)
            return
        first, last = (steps[0].first, steps[0].last) if isinstance(steps[0], parts.Range) else (steps[0], steps[0])
        elements = cast("list[Any]", content) if isinstance(content, list) else []
        if last >= len(elements):
            raise self._rejected(parts.BAD_INDEX_RANGE_NO_DATA, f"the array has {len(elements)} elements")
        if len(steps) > 1:
            new = [await self._with_field(elements[first], steps[1:], value)]
        elif isinstance(steps[0], parts.Range):
            new = fitted_list(self._target.point, kind, value, last - first + 1)
        else:
            new = [fitted(self._target.point, kind, value)]
        await self._replace(ua.Variant(elements, kind), first, new)

    async def _replace(self, whole: ua.Variant, first: int, new: Sequence[Any]) -> None:
        """As a range where the server knows ranges, else the whole array anew."""
        last = first + len(new) - 1
        elements = cast("list[Any]", whole.Value)
        if len(new) < len(elements) and await self._knows_ranges():
            text = str(first) if len(new) == 1 else f"{first}:{last}"
            await self._send(ua.Variant(list(new), whole.VariantType), text)
            return
        await self._send(ua.Variant([*elements[:first], *new, *elements[last + 1 :]], whole.VariantType), None)

    async def _with_field(self, structure: Any, steps: Sequence[parts.Step], value: Value) -> Any:
        """The structure with one field changed."""
        if isinstance(structure, ua.ExtensionObject) and structure.Body is not None:
            await self._shapes.learn_types_of(ua.Variant(structure, _TYPES.ExtensionObject))
            spot = spot_of(self._shapes.types, key_of(structure.TypeId), structure.Body, steps)
            if spot is None:
                raise self._rejected(status.BAD_NOT_SUPPORTED, "no number, boolean or text is there to be written")
            new = as_bytes(self._target.point, _TYPES(spot.builtin), value)
            body = structure.Body[: spot.start] + new + structure.Body[spot.end :]
            return ua.ExtensionObject(structure.TypeId, ua.ByteString(body))
        if is_dataclass(structure) and len(steps) == 1 and isinstance(steps[0], str):
            return replace(cast("Any", structure), **{steps[0]: self._as_declared(structure, steps[0], value)})
        raise self._rejected(status.BAD_NOT_SUPPORTED, "its value has no such field, or none that can be written")

    def _as_declared(self, structure: Any, name: str, value: Value) -> Value:
        """The value in the type of a field of a structure that the standard defines."""
        declared = {field.name: field.type for field in fields(structure)}.get(name)
        kind = getattr(_TYPES, str(declared).strip("'").rpartition(".")[2], None)
        if kind is None:
            raise self._rejected(status.BAD_NOT_SUPPORTED, f"{name} is no number, boolean or text")
        return fitted(self._target.point, kind, value)

    async def _read(self, *ranges: str | None) -> list[ua.DataValue]:
        with left_out():
            return await self._session.read_values([self._node] * len(ranges), list(ranges))

    async def _knows_ranges(self) -> bool:
        with left_out():
            (answer,) = await self._session.know_ranges([self._node])
        return answer

    async def _send(self, variant: ua.Variant, index_range: str | None) -> None:
        # Without status and times: many servers refuse a write that sets them (Part 4, 5.10.4).
        wanted: Any = ua.WriteValue
        value = wanted(
            NodeId=self._node,
            AttributeId=AttributeIds.Value,
            IndexRange=index_range,
            Value=ua.DataValue(Value=variant, StatusCode=None),
        )
        (outcome,) = await self._session.client.write(ua.WriteParameters(NodesToWrite=[value]))
        if status.is_bad(outcome.value):
            raise self._rejected(outcome.value, f"{self._target.address}: {status.name(outcome.value)}")

    async def _declared_type(self, code: int) -> ua.VariantType:
        (answer,) = await self._session.read_attributes([self._node], AttributeIds.DataType)
        declared = None if answer.Value is None else answer.Value.Value
        number = declared.Identifier if isinstance(declared, ua.NodeId) and declared.NamespaceIndex == 0 else None
        if isinstance(number, int) and 0 < number <= _TYPES.LocalizedText:
            return _TYPES(number)
        raise self._rejected(code or status.BAD_NOT_SUPPORTED, "the type of the variable is not known")

    def _rejected(self, code: int, why: str) -> PointRejected:
        return PointRejected(self._target.point, code, why)
