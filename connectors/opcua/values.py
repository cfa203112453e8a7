"""From OPC UA values to samples by column: kind, value, status and time of each change."""

import json
import math
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, cast
from uuid import UUID

from asyncua import ua

from connectors.contract import ReadResult
from connectors.opcua import node_id
from connectors.opcua.changes import Changes
from connectors.opcua.config import SampleTime
from schemas.sample import MAX_TEXT_BYTES, Kind, Value
from schemas.status import BAD, BAD_DECODING_ERROR, BAD_NO_DATA, INFO_OVERFLOW

BAD_ENCODING_LIMITS_EXCEEDED = 0x80080000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Part 6, 5.2.2.5: the two ends of the scale stand for "earlier" and "later than can be said", so for no time at all.
_EARLIEST = datetime(1601, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

_EARLIEST_US = (_EARLIEST - _EPOCH) // _MICROSECOND
_LATEST_US = (_LATEST - _EPOCH) // _MICROSECOND

_Decode = Callable[[Any], Value]


@dataclass(frozen=True, slots=True)
class Pending:
    """A value that has to wait until its type is known, or until its parts are taken out."""

    variant: ua.Variant


def to_us(moment: datetime | None) -> int | None:
    """Microseconds since the Unix epoch; None for a time that OPC UA calls null."""
    return None if moment is None else valid_us((moment - _EPOCH) // _MICROSECOND)


def valid_us(time_us: int) -> int | None:
    """The time, or None if it is one of those that OPC UA calls null."""
    return time_us if _EARLIEST_US < time_us < _LATEST_US else None


class Columns:
    """Collects what one answer of the server holds; `result` hands it over as columns."""

    def __init__(self, decoder: "ValueDecoder", sample_time: SampleTime, counters: Counter[str]) -> None:
        self._decoder = decoder
        self._sample_time = sample_time
        self._counters = counters
        self._points: list[int] = []
        self._kinds: list[Kind] = []
        self._values: list[Value] = []
        self._statuses: list[int] = []
        self._times_us: list[int] = []

    def __len__(self) -> int:
        return len(self._points)

    def add(self, point: int, data: ua.DataValue, arrived_us: int) -> None:
        """Take one value over as the server gave it; one that cannot be sent on becomes Bad and says why."""
        code = data.StatusCode
        status = 0 if code is None else code.value
        kind, value = Kind.NONE, None
        if status < BAD:
            kind, value, status = self._decoded(data.Value, status, point)
        if status & INFO_OVERFLOW == INFO_OVERFLOW:
            self._counters["overflows"] += 1
        source_us, server_us = to_us(data.SourceTimestamp), to_us(data.ServerTimestamp)
        self._append(point, kind, value, status, self._time_us(source_us, server_us, arrived_us))

    def _decoded(self, variant: ua.Variant | None, status: int, point: int) -> tuple[Kind, Value, int]:
        try:
            kind, value = self._decoder.decode(variant, point)
        except Exception:  # noqa: BLE001 one odd value must not cost the others anything
            self._counters["undecodable"] += 1
            return Kind.NONE, None, BAD_DECODING_ERROR
        if value is None:
            self._counters["nulls"] += 1
            return Kind.NONE, None, BAD_NO_DATA
        if isinstance(value, str) and len(value) > _SURELY_SHORT and _is_too_long(value):
            self._counters["too_large"] += 1
            return Kind.NONE, None, BAD_ENCODING_LIMITS_EXCEEDED
        return kind, value, status

    def extend(self, changes: Changes, arrived_us: int, point_count: int) -> None:
        """Take over what our own decoder read, with the same outcome as `add` for each change."""
        count = len(changes.points)
        if not count:
            return
        statuses = changes.statuses
        is_plain = (
            self._sample_time is SampleTime.SOURCE
            and not changes.odd
            and (statuses is None or max(statuses) == 0)
            and _all_valid(changes.source_us)
            and max(changes.points) < point_count
        )
        if is_plain:
            self._points.extend(changes.points)
            self._kinds.extend(changes.kinds)
            self._values.extend(changes.values)
            self._statuses.extend(statuses if statuses is not None else [0] * count)
            self._times_us.extend(changes.source_us or ())
            return
        for position, point in enumerate(changes.points):
            if point < point_count:
                self._add_change(changes, position, point, arrived_us)

    def _add_change(self, changes: Changes, position: int, point: int, arrived_us: int) -> None:
        status = 0 if changes.statuses is None else changes.statuses[position]
        kind, value = changes.kinds[position], changes.values[position]
        if status >= BAD:
            kind, value = Kind.NONE, None
        elif position in changes.odd:
            kind, value, status = self._decoded(changes.odd[position], status, point)
        if status & INFO_OVERFLOW == INFO_OVERFLOW:
            self._counters["overflows"] += 1
        source_us = None if changes.source_us is None else valid_us(changes.source_us[position])
        server_us = None if changes.server_us is None else valid_us(changes.server_us[position])
        self._append(point, kind, value, status, self._time_us(source_us, server_us, arrived_us))

    def add_text(self, point: int, text: str, time_us: int) -> None:
        """Take over what is JSON already."""
        if _is_too_long(text):
            self._counters["too_large"] += 1
            self._append(point, Kind.NONE, None, BAD_ENCODING_LIMITS_EXCEEDED, time_us)
        else:
            self._append(point, Kind.JSON, text, 0, time_us)

    def add_bad(self, point: int, status: int, time_us: int) -> None:
        """Say that a point has no value, and why."""
        self._append(point, Kind.NONE, None, status, time_us)

    def result(self, until_us: int | None) -> ReadResult:
        """Everything that was taken over since this collection was made."""
        return ReadResult(self._points, self._kinds, self._values, self._statuses, self._times_us, until_us)

    def _append(self, point: int, kind: Kind, value: Value, status: int, time_us: int) -> None:
        self._points.append(point)
        self._kinds.append(kind)
        self._values.append(value)
        self._statuses.append(status)
        self._times_us.append(time_us)

    def _time_us(self, source_us: int | None, server_us: int | None, arrived_us: int) -> int:
        if source_us is not None and self._sample_time is SampleTime.SOURCE:
            return source_us
        if server_us is not None and self._sample_time is not SampleTime.RECEIVED:
            self._counters["stamped_by_server"] += 1
            return server_us
        self._counters["stamped_by_us"] += 1
        return arrived_us


def _all_valid(times_us: Sequence[int] | None) -> bool:
    return times_us is not None and min(times_us) > _EARLIEST_US and max(times_us) < _LATEST_US


# A character takes at most four bytes, so that most texts need no second look.
_SURELY_SHORT = MAX_TEXT_BYTES // 4


def _is_too_long(text: str) -> bool:
    return len(text.encode()) > MAX_TEXT_BYTES


class ValueDecoder:
    """Turns variants into values of our kinds; node ids in them need the session's namespaces."""

    def __init__(self, namespaces: Sequence[str], with_parts: frozenset[int] = frozenset()) -> None:
        self._namespaces = namespaces
        self._with_parts = with_parts
        self.has_pending = False
        """Whether some value was left as it came, for others to finish."""
        whole: _Decode | None = None
        kind = ua.VariantType
        self._scalars: dict[int, tuple[Kind, _Decode | None]] = {
            kind.Null: (Kind.NONE, None),
            kind.Boolean: (Kind.BOOL, whole),
            kind.SByte: (Kind.I64, whole),
            kind.Byte: (Kind.U64, whole),
            kind.Int16: (Kind.I64, whole),
            kind.UInt16: (Kind.U64, whole),
            kind.Int32: (Kind.I64, whole),
            kind.UInt32: (Kind.U64, whole),
            kind.Int64: (Kind.I64, whole),
            kind.UInt64: (Kind.U64, whole),
            kind.Float: (Kind.F32, whole),
            kind.Double: (Kind.F64, whole),
            kind.String: (Kind.STR, clean_text),
            kind.XmlElement: (Kind.STR, _xml),
            kind.DateTime: (Kind.STR, iso),
            kind.Guid: (Kind.STR, str),
            kind.ByteString: (Kind.STR, _base64),
            kind.NodeId: (Kind.STR, self._node),
            kind.ExpandedNodeId: (Kind.STR, self._node),
            kind.StatusCode: (Kind.U64, _code),
            kind.QualifiedName: (Kind.STR, _qualified_name),
            kind.LocalizedText: (Kind.STR, _localized_text),
        }

    def decode(self, variant: ua.Variant | None, point: int | None = None) -> tuple[Kind, Value]:
        """The kind and the value; a null has neither, except for texts, where null and empty are one.

        For a point that is named, structures of unknown types and values whose parts are wanted stay as they came.
        """
        if variant is None:
            return Kind.NONE, None
        raw: Any = variant.Value
        if point is not None and raw is not None and (point in self._with_parts or _is_unknown(raw)):
            self.has_pending = True
            return Kind.NONE, cast("Value", Pending(variant))
        scalar = None if variant.is_array else self._scalars.get(variant.VariantType)
        if scalar is None:
            return (Kind.NONE, None) if raw is None else (Kind.JSON, self._json(raw))
        kind, convert = scalar
        if convert is None:
            return kind, raw
        if raw is None:
            return (kind, "") if variant.VariantType in _TEXT_TYPES else (Kind.NONE, None)
        return kind, convert(raw)

    def _node(self, node: ua.NodeId) -> str:
        return str(self.address(node))

    def address(self, node: ua.NodeId) -> node_id.NodeAddress:
        """The node by the URI of its namespace; an index that the server does not explain stays visible."""
        uri = getattr(node, "NamespaceUri", None)
        index = node.NamespaceIndex
        if not uri:
            uri = self._namespaces[index] if index < len(self._namespaces) else f"urn:unknown-namespace:{index}"
        raw: Any = node.Identifier
        form = next(form for kinds, form in _FORMS if isinstance(raw, kinds))
        return node_id.NodeAddress(uri, form, raw)

    def _json(self, raw: object) -> str:
        return json.dumps(self.plain(raw), ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def plain(self, raw: Any) -> Any:
        """The value as JSON knows values."""
        if raw is None or isinstance(raw, bool):
            return raw
        if isinstance(raw, int):
            return int(raw)  # an enumeration is an int to JSON only once it is no longer an Enum
        if isinstance(raw, float):
            return raw if math.isfinite(raw) else _not_finite(raw)
        if isinstance(raw, list | tuple):
            return [self.plain(element) for element in raw]
        return self._plain_object(raw)

    def _plain_object(self, raw: Any) -> Any:
        for types, convert in _TEXTS:
            if isinstance(raw, types):
                return convert(raw)
        if isinstance(raw, ua.NodeId):
            return self._node(raw)
        if isinstance(raw, Enum | ua.Variant):
            return self.plain(raw.value if isinstance(raw, Enum) else raw.Value)
        if isinstance(raw, ua.DataValue):
            return self._plain_data_value(raw)
        if isinstance(raw, ua.ExtensionObject):
            # A structure whose definition we do not have: its bytes, whole, with the name of their encoding.
            return {"encoding": self._node(raw.TypeId), "body": None if raw.Body is None else _base64(raw.Body)}
        if is_dataclass(raw):
            return {each.name: self.plain(getattr(raw, each.name)) for each in fields(raw) if each.name != "Encoding"}
        raise ua.UaError(f"a value of the unknown type {type(raw).__name__}")

    def _plain_data_value(self, data: ua.DataValue) -> dict[str, Any]:
        return {
            "value": self.plain(data.Value),
            "status": 0 if data.StatusCode is None else data.StatusCode.value,
            "time": None if data.SourceTimestamp is None else iso(data.SourceTimestamp),
        }


def _is_unknown(raw: Any) -> bool:
    """Whether there are structures in it that asyncua does not know."""
    first = raw[0] if isinstance(raw, list) and raw else raw
    return isinstance(first, ua.ExtensionObject | list) and (first is not raw or not isinstance(raw, list))


def clean_text(text: str) -> str:
    """The text as valid Unicode: bytes that were no UTF-8 become U+FFFD, for they could not be sent on."""
    if text.isascii():
        return text
    return text.encode(errors="surrogateescape").decode(errors="replace")


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC, with every digit that the server gave down to the microsecond."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()


def _xml(raw: Any) -> str:
    return raw.decode(errors="replace") if isinstance(raw, bytes) else clean_text(str(getattr(raw, "Value", raw)))


def _code(raw: ua.StatusCode) -> int:
    return raw.value


def _qualified_name(raw: ua.QualifiedName) -> str:
    name: Any = raw.Name
    return "" if name is None else clean_text(name)


def _localized_text(raw: ua.LocalizedText) -> str:
    text: Any = raw.Text
    return "" if text is None else clean_text(text)


def _not_finite(raw: float) -> str:
    return "NaN" if math.isnan(raw) else "Infinity" if raw > 0 else "-Infinity"


_FORMS = (
    (int, node_id.IdentifierForm.NUMBER),
    (str, node_id.IdentifierForm.STRING),
    (UUID, node_id.IdentifierForm.GUID),
    (bytes, node_id.IdentifierForm.OPAQUE),
)
_TEXT_TYPES = frozenset({ua.VariantType.String, ua.VariantType.ByteString, ua.VariantType.XmlElement})
_TEXTS: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (str, clean_text),
    (bytes, _base64),
    (datetime, iso),
    (UUID, str),
    (ua.StatusCode, _code),
    (ua.QualifiedName, _qualified_name),
    (ua.LocalizedText, _localized_text),
)
