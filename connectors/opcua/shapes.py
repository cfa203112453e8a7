"""From what is asked of the server to the tags: parts of values, structures of its own types, words for numbers."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from connectors.contract import PointDescription, ReadResult
from connectors.opcua import browse_paths, node_id, parts
from connectors.opcua.browse_paths import Address, BrowsePath
from connectors.opcua.config import Form, OpcuaPoint
from connectors.opcua.descriptions import content
from connectors.opcua.events import EventChoice
from connectors.opcua.faults import device_faults
from connectors.opcua.path_nodes import translate
from connectors.opcua.session import Session
from connectors.opcua.structures import Decoder, Single, Undecodable, Unsigned
from connectors.opcua.type_learning import key_of, learn, learn_encodings
from connectors.opcua.type_tree import TypeTree
from connectors.opcua.values import Pending
from schemas import status
from schemas.sample import Kind, Value

logger = logging.getLogger(__name__)

_NAMED_IN_LOG = 20
_TYPES = ua.VariantType
_UNSIGNED = (_TYPES.Byte, _TYPES.UInt16, _TYPES.UInt32, _TYPES.UInt64)
_ROUNDS = 5  # types within values within values


@dataclass(frozen=True, slots=True)
class View:
    """One tag of an item: the point that it is, the part of the value, and whether words stand for numbers."""

    point: int
    steps: tuple[parts.Step, ...]
    is_labelled: bool


class Items:
    """What is asked of the server: points that are parts of one value share one item."""

    def __init__(self, points: Sequence[OpcuaPoint]) -> None:
        self.addresses: list[Address] = []
        self.deadbands: list[str | None] = []
        self.ranges: list[str | None] = []
        self.names: list[str] = []
        self.views: list[list[View]] = []
        self.of_point: list[int] = []
        self.events: dict[int, EventChoice] = {}
        known: dict[tuple[str, bool], int] = {}
        for number, point in enumerate(points):
            steps = parts.parse(point.part) if point.part else ()
            name = f"{point.address} {point.server_deadband}"
            if point.index_range is not None:
                name = f"{name} [{point.index_range}]"
                steps = tuple(0 for _ in point.index_range.split(",")) if parts.is_single(point.index_range) else ()
            if point.events:
                name = f"{point.address} {point.min_severity} {' '.join(point.event_fields)}"
                self.events[len(self.addresses)] = EventChoice(point.min_severity, point.event_fields)
            item = known.get((name, True)) if steps else None
            if item is None:
                item = len(self.addresses)
                known.setdefault((name, bool(steps)), item)
                self.addresses.append(address_of(point))
                self.deadbands.append(point.server_deadband)
                self.ranges.append(point.index_range)
                self.names.append(name)
                self.views.append([])
            self.of_point.append(item)
            self.views[item].append(View(number, steps, point.form is Form.LABEL))
        self.is_plain = not any(self.ranges) and not any(
            view.steps or view.is_labelled for views in self.views for view in views
        )
        self.ranged = [at for at, range_ in enumerate(self.ranges) if range_ is not None]
        self.with_parts = frozenset(
            at for at, views in enumerate(self.views) if at in self.ranged or any(view.steps for view in views)
        )
        self.labelled = [at for at, views in enumerate(self.views) if any(view.is_labelled for view in views)]

    @property
    def paths(self) -> Sequence[BrowsePath]:
        """The items that are named by a path."""
        return [address for address in self.addresses if isinstance(address, BrowsePath)]


def address_of(point: OpcuaPoint) -> Address:
    """Where the variable of a point is."""
    return node_id.parse(point.node) if point.node is not None else browse_paths.parse(point.path or "")


class Shapes:
    """Gives the values of one session their final form; types are learned as values of them come."""

    def __init__(self, session: Session, items: Items, url: str) -> None:
        self._session = session
        self._items = items
        self._url = url
        self._words: dict[int, Mapping[int, str]] = {}
        self._rangeless: set[int] = set()
        self.types = TypeTree()

    async def prepare(self) -> None:
        """Learn the words of those enumerations that are to be delivered as words, and whether ranges are known."""
        nodes = {item: self._session.node(self._items.addresses[item]) for item in self._items.labelled}
        known = {item: node for item, node in nodes.items() if node is not None}
        with device_faults(self._url):
            found = await words_of(self._session, self.types, list(known.values()))
            await self._try_ranges()
        self._words = dict(zip(known, found, strict=True))

    async def _try_ranges(self) -> None:
        nodes = {item: self._session.node(self._items.addresses[item]) for item in self._items.ranged}
        known = {item: node for item, node in nodes.items() if node is not None}
        are_known = await self._session.know_ranges(list(known.values()))
        self._rangeless = {item for item, is_known in zip(known, are_known, strict=True) if not is_known}
        if self._rangeless:
            names = ", ".join(self._items.names[item] for item in sorted(self._rangeless)[:_NAMED_IN_LOG])
            logger.warning("%s gives whole arrays for ranges: write part in place of index_range: %s", self._url, names)

    async def complete(self, result: ReadResult, wanted: frozenset[int] | None = None) -> ReadResult:
        """The samples of tags, of the samples of items; only those of wanted points, if some are named."""
        if self._items.is_plain and not self._session.decoder.has_pending:
            return result
        await self._learn([value for value in result.values if isinstance(value, Pending)])
        made = ReadResult([], [], [], [], [], result.until_us)
        rows = zip(result.points, result.kinds, result.values, result.statuses, result.times_us, strict=True)
        for item, kind, value, code, time_us in rows:
            views = [view for view in self._items.views[item] if wanted is None or view.point in wanted]
            for view, seen in zip(views, self._all_seen(views, item, (kind, value, code)), strict=True):
                _append(made, view.point, seen, time_us)
        return made

    def words(self, item: int) -> Mapping[int, str]:
        """The words of an item that is delivered as words."""
        return self._words.get(item, {})

    async def learn_types_of(self, variant: ua.Variant) -> None:
        """Ask for the definitions of this value's structures, where they are not known yet."""
        await self._learn([Pending(variant)])

    def _all_seen(self, views: Sequence[View], item: int, row: tuple[Kind, Any, int]) -> list[tuple[Kind, Value, int]]:
        kind, value, code = row
        if item in self._rangeless and value is not None:
            return [(Kind.NONE, None, status.BAD_NOT_SUPPORTED) for _ in views]
        try:
            plain = self._plain(value) if isinstance(value, Pending) else value
            return [self._seen(view, item, (kind, plain, code)) for view in views]
        except Exception:  # noqa: BLE001 one odd value must not cost the others anything
            return [(Kind.NONE, None, status.BAD_DECODING_ERROR) for _ in views]

    def _seen(self, view: View, item: int, row: tuple[Kind, Any, int]) -> tuple[Kind, Value, int]:
        kind, value, code = row
        if value is not None and (view.steps or kind is Kind.NONE):
            value, missing = parts.pick(value, view.steps)
            kind, value, problem = parts.sample_of(value) if not missing else (Kind.NONE, None, missing)
            code = problem or code
        elif value is not None and view.is_labelled and kind in (Kind.I64, Kind.U64):
            return Kind.STR, self._words.get(item, {}).get(value, str(value)), code
        return kind, cast("Value", value), code

    async def _learn(self, pending: Sequence[Pending]) -> None:
        """Ask for the definitions of what has not been seen before; values wait for it, once a type."""
        for _ in range(_ROUNDS):
            wanted = {node for each in pending for node in _encodings(each.variant.Value)}
            wanted = {node for node in wanted if key_of(node) not in self.types.asked}
            decoder = Decoder(self.types, self._session.namespaces)
            for each in pending:
                _decoded(each.variant.Value, decoder)
            wanted |= {_node(key) for key in decoder.unknown if key not in self.types.asked}
            if not wanted:
                return
            with device_faults(self._url):
                await learn_encodings(self._session, self.types, wanted)

    def _plain(self, pending: Pending) -> Any:
        variant = pending.variant
        if variant.VariantType in _UNSIGNED:
            return _each(variant.Value, Unsigned)
        if variant.VariantType == _TYPES.Float:
            return _each(variant.Value, Single)
        if variant.VariantType in (_TYPES.Double, _TYPES.Boolean) or variant.VariantType in _SIGNED:
            return variant.Value
        decoder = Decoder(self.types, self._session.namespaces)
        return _decoded(variant.Value, decoder, self._session.decoder.plain)


def seen_through(view: View, told: PointDescription) -> PointDescription:
    """What is said of a whole value, said of the part that a tag shows of it."""
    if view.is_labelled:
        return PointDescription(kind=Kind.STR, description=told.description)
    return replace(told, kind=None) if view.steps else told


_SIGNED = (_TYPES.SByte, _TYPES.Int16, _TYPES.Int32, _TYPES.Int64)


async def words_of(session: Session, types: TypeTree, nodes: Sequence[ua.NodeId]) -> list[Mapping[int, str]]:
    """The words of each variable's numbers: of its data type, or of its own property EnumStrings."""
    if not nodes:
        return []
    declared = [content(answer) for answer in await session.read_attributes(nodes, AttributeIds.DataType)]
    await learn(session, types, [node for node in declared if isinstance(node, ua.NodeId)])
    strings = await translate(session, [(node, [("EnumStrings", 0)]) for node in nodes], ObjectIds.HasProperty)
    present = [node for node in strings if node is not None]
    texts = iter(await session.read_values(present) if present else ())
    words: list[Mapping[int, str]] = []
    for node, own in zip(declared, strings, strict=True):
        found = None if own is None else content(next(texts))
        enumeration = types.enumerations.get(key_of(node)) if isinstance(node, ua.NodeId) else None
        if isinstance(found, list):
            words.append({at: getattr(text, "Text", None) or "" for at, text in enumerate(cast("list[Any]", found))})
        else:
            words.append({} if enumeration is None else enumeration.words)
    return words


def _encodings(raw: Any) -> set[ua.NodeId]:
    if isinstance(raw, list):
        return {node for each in cast("list[Any]", raw) for node in _encodings(each)}
    return {raw.TypeId} if isinstance(raw, ua.ExtensionObject) else set()


def _decoded(raw: Any, decoder: Decoder, plain: Callable[[Any], Any] | None = None) -> Any:
    if isinstance(raw, list):
        return [_decoded(each, decoder, plain) for each in cast("list[Any]", raw)]
    if isinstance(raw, ua.ExtensionObject) and raw.Body is not None:
        key = key_of(raw.TypeId)
        try:
            return decoder.structure(key, raw.Body)
        except Undecodable:
            pass  # its bytes are better than nothing
    return raw if plain is None else plain(raw)


def _each(raw: Any, form: type[int] | type[float]) -> Any:
    return [_each(each, form) for each in cast("list[Any]", raw)] if isinstance(raw, list) else form(raw)


def _node(key: tuple[int, object]) -> ua.NodeId:
    identifier: Any = key[1]
    return ua.NodeId(identifier, key[0])  # type: ignore[arg-type]


def _append(made: ReadResult, point: int, row: tuple[Kind, Value, int], time_us: int) -> None:
    columns: tuple[Any, ...] = (made.points, made.kinds, made.values, made.statuses, made.times_us)
    kind, value, code = row
    for column, cell in zip(columns, (point, Kind.NONE if value is None else kind, value, code, time_us), strict=True):
        column.append(cell)
