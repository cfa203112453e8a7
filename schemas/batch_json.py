"""The JSON form of a batch, for publishers written by others: the same names, plain lists, absolute times."""

import math
import re
import zlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.batch_binary import VERSION, TagPaths
from schemas.columns import Column, pack_column
from schemas.content import DICTIONARY_BYTES, MAX_DICTIONARY_INDEX, Batch, Gap, PackedBatch, check_content
from schemas.errors import BatchInvalid, BatchTooLarge, BodyInvalid, HeaderInvalid, VersionUnknown
from schemas.framing import check_seq
from schemas.header import EPOCH_BYTES, Header
from schemas.limits import MAX_COLUMNS, MAX_DEVICES, MAX_GAPS, MAX_SAMPLES, MAX_SEQ, MAX_WIRE_BYTES
from schemas.sample import Kind, Value

Epoch = Annotated[
    str,
    Meta(
        pattern=rf"^[0-9a-f]{{{2 * EPOCH_BYTES}}}$",
        description="16 random bytes in hex, new at each start of the agent",
    ),
]
DictionaryHash = Annotated[
    str,
    Meta(
        pattern=rf"^[0-9a-f]{{{2 * DICTIONARY_BYTES}}}$",
        description="BLAKE2b-64 of the agent's ordered tag list in hex",
    ),
]
Micros = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1, description="microseconds since 1970-01-01T00:00:00Z")]
StatusCode = Annotated[int, Meta(ge=0, lt=2**32, description="OPC UA StatusCode; 0 is Good")]
Cell = float | int | str | bool | None
_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_DECIMAL = re.compile(r"-?[0-9]{1,20}")


class JsonColumn(Struct, forbid_unknown_fields=True):
    """Samples of one kind: tag indices `i`, times `t` in µs since 1970, statuses `s` (null: all Good), values `x`."""

    k: Kind
    i: Annotated[list[Annotated[int, Meta(ge=0, lt=MAX_DICTIONARY_INDEX)]], Meta(max_length=MAX_SAMPLES)]
    t: Annotated[list[Micros], Meta(max_length=MAX_SAMPLES)]
    s: Annotated[list[StatusCode], Meta(max_length=MAX_SAMPLES)] | None = None
    x: Annotated[list[Cell], Meta(max_length=MAX_SAMPLES)] | UnsetType = UNSET


class JsonGap(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A stretch known to be missing."""

    from_us: Micros = msgspec.field(name="from")
    to_us: Micros = msgspec.field(name="to")
    reason: str
    device: str | None = None
    tags: TagPaths | None = None
    batches: tuple[Epoch, int, int] | None = None


class JsonBatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """One batch of samples in its JSON form."""

    v: Literal[1]
    agent: str
    epoch: Epoch
    seq: Annotated[int, Meta(ge=1, le=MAX_SEQ, description="1, 2, 3 … within the epoch")]
    base: Micros = 0
    tags: TagPaths | UnsetType = UNSET
    dictionary: DictionaryHash | UnsetType = msgspec.field(name="dict", default=UNSET)
    cols: Annotated[list[JsonColumn], Meta(max_length=MAX_COLUMNS)]
    until: Annotated[list[tuple[str, Micros]], Meta(max_length=MAX_DEVICES)] = msgspec.field(default_factory=list)
    gaps: Annotated[list[JsonGap], Meta(max_length=MAX_GAPS)] = msgspec.field(default_factory=list)


class _JsonHead(Struct):
    epoch: Epoch
    seq: int
    v: Any = None


def encode_json(batch: Batch) -> bytes:
    """Return the batch as one JSON object; what the binary form would refuse is refused here too."""
    check_content(batch)
    tag_limit = MAX_DICTIONARY_INDEX if batch.tags is None else len(batch.tags)
    for column in batch.columns:
        pack_column(column, batch.base_us, tag_limit)
    layout = JsonBatch(
        v=1,
        agent=batch.agent,
        epoch=batch.epoch.hex(),
        seq=batch.seq,
        base=batch.base_us,
        tags=UNSET if batch.tags is None else list(batch.tags),
        dictionary=UNSET if batch.dictionary is None else batch.dictionary.hex(),
        cols=[_json_column(column) for column in batch.columns],
        until=list(batch.until.items()),
        gaps=[_json_gap(gap) for gap in batch.gaps],
    )
    payload = msgspec.json.encode(layout)
    if len(payload) > MAX_WIRE_BYTES:
        raise BatchTooLarge("wire", len(payload), MAX_WIRE_BYTES)
    return payload


def json_header(payload: bytes) -> Header:
    """Read who numbered a JSON batch and its number; the CRC-32 is that of the whole object."""
    if len(payload) > MAX_WIRE_BYTES:
        raise HeaderInvalid("wire_too_large", f"{len(payload)} bytes; at most {MAX_WIRE_BYTES} on the wire")
    try:
        head = msgspec.json.decode(payload, type=_JsonHead)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise HeaderInvalid("json_head_invalid", f"epoch (32 hex digits) and seq are needed: {error}") from error
    check_seq(head.seq)
    return Header(0, bytes.fromhex(head.epoch), head.seq, len(payload), zlib.crc32(payload))


def unpack_json(payload: bytes) -> PackedBatch:
    """Read a JSON batch into the packed form that the binary one has."""
    header = json_header(payload)
    try:
        layout = _read_layout(payload, header)
        batch = _packed_batch(header, layout)
        check_content(batch)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BodyInvalid("body_malformed", header, str(error)) from error
    except (BatchInvalid, BatchTooLarge) as error:
        raise BodyInvalid("content_invalid", header, str(error)) from error
    return batch


def _json_column(column: Column) -> JsonColumn:
    statuses = column.statuses
    return JsonColumn(
        k=column.kind,
        i=list(column.tags),
        t=list(column.times_us),
        s=list(statuses) if statuses is not None and any(statuses) else None,
        x=UNSET if column.values is None else _json_cells(column.kind, column.values),
    )


def _json_cells(kind: Kind, values: Sequence[Value]) -> list[Cell]:
    match kind:
        case Kind.F64 | Kind.F32:
            return [_json_float(float(value)) for value in values if value is not None]
        case Kind.BOOL:
            return [bool(value) for value in values]
        case _:
            return list(values)


def _json_float(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _json_gap(gap: Gap) -> JsonGap:
    batches = None if gap.batches is None else (gap.batches[0].hex(), gap.batches[1], gap.batches[2])
    tags = None if gap.tags is None else list(gap.tags)
    return JsonGap(gap.from_us, gap.to_us, gap.reason, device=gap.device, tags=tags, batches=batches)


def _read_layout(payload: bytes, header: Header) -> JsonBatch:
    version = msgspec.json.decode(payload, type=_JsonHead).v
    if isinstance(version, bool) or not isinstance(version, int) or version < VERSION:
        raise BatchInvalid("v", version, f"{VERSION} is")
    if version > VERSION:
        raise VersionUnknown(header, f"v {version} is a later protocol; this is {VERSION}")
    return msgspec.json.decode(payload, type=JsonBatch)


def _packed_batch(header: Header, layout: JsonBatch) -> PackedBatch:
    sample_count = sum(len(column.i) for column in layout.cols)
    if sample_count > MAX_SAMPLES:
        raise BatchTooLarge("samples", sample_count, MAX_SAMPLES)
    tag_limit = MAX_DICTIONARY_INDEX if layout.tags is UNSET else len(layout.tags)
    columns = (Column(c.k, c.i, c.t, c.s, None if c.x is UNSET else _values(c.k, c.x)) for c in layout.cols)
    return PackedBatch(
        header=header,
        agent=layout.agent,
        base_us=layout.base,
        tags=None if layout.tags is UNSET else tuple(layout.tags),
        dictionary=None if layout.dictionary is UNSET else bytes.fromhex(layout.dictionary),
        columns=tuple(pack_column(column, layout.base, tag_limit) for column in columns),
        until=dict(layout.until),
        gaps=tuple(_gap(gap) for gap in layout.gaps),
    )


def _values(kind: Kind, cells: Sequence[Cell]) -> list[Value]:
    match kind:
        case Kind.F64 | Kind.F32:
            return [_FLOATS.get(cell, cell) if isinstance(cell, str) else cell for cell in cells]
        case Kind.I64 | Kind.U64:
            # Languages whose numbers are doubles write large integers as strings.
            return [int(c) if isinstance(c, str) and _DECIMAL.fullmatch(c) else c for c in cells]
        case _:
            return list(cells)


def _gap(layout: JsonGap) -> Gap:
    tags = None if layout.tags is None else tuple(layout.tags)
    batches = layout.batches
    numbers = None if batches is None else (bytes.fromhex(batches[0]), batches[1], batches[2])
    return Gap(layout.from_us, layout.to_us, layout.reason, layout.device, tags, numbers)
