"""The binary form of a batch: a MessagePack map of packed columns, in a zstd frame where that is smaller."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import zstandard
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from schemas.columns import STATUS_WIDTH, TAG_WIDTH, TEXT_KINDS, TIME_WIDTH, VALUE_WIDTHS, PackedColumn, pack_column
from schemas.content import MAX_DICTIONARY_INDEX, Batch, Gap, PackedBatch, check_content
from schemas.errors import BatchInvalid, BatchTooLarge, BodyInvalid, VersionUnknown
from schemas.framing import join_header, split_header, verified_body
from schemas.header import FLAG_ZSTD, Header
from schemas.limits import (
    MAX_BODY_BYTES,
    MAX_COLUMNS,
    MAX_DEVICES,
    MAX_GAPS,
    MAX_SAMPLES,
    MAX_TAGS,
    MAX_WIRE_BYTES,
)
from schemas.sample import Kind

VERSION = 1
ZSTD_LEVEL = 3
MIN_PLANE_BYTES = 400
"""Shorter planes do not earn back the table of a block of their own."""

Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
TagPaths = Annotated[list[str], Meta(max_length=MAX_TAGS)]
Texts = Annotated[list[str], Meta(max_length=MAX_SAMPLES)]


class ColumnLayout(Struct, forbid_unknown_fields=True):
    """One entry of `cols`; `x` is read only once the number of samples is known to be allowed."""

    k: Kind
    i: bytes
    t: bytes
    s: bytes | None = None
    x: Raw | UnsetType = UNSET


class GapLayout(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One entry of `gaps`."""

    from_us: Int64 = msgspec.field(name="from")
    to_us: Int64 = msgspec.field(name="to")
    reason: str
    device: str | None = None
    tags: Raw | UnsetType = UNSET
    batches: tuple[bytes, int, int] | None = None


class BodyLayout(Struct, forbid_unknown_fields=True, kw_only=True):
    """The body's map."""

    v: int
    agent: str
    base: Int64
    tags: TagPaths | UnsetType = UNSET
    dictionary: bytes | UnsetType = msgspec.field(name="dict", default=UNSET)
    cols: Annotated[list[ColumnLayout], Meta(max_length=MAX_COLUMNS)]
    until: Annotated[list[tuple[str, Int64]], Meta(max_length=MAX_DEVICES)] = msgspec.field(default_factory=list)
    gaps: Annotated[list[GapLayout], Meta(max_length=MAX_GAPS)] = msgspec.field(default_factory=list)


class VersionLayout(Struct):
    """The only key that every later version keeps."""

    v: int


def encode_binary(batch: Batch) -> bytes:
    """Return the published bytes."""
    check_content(batch)
    tag_limit = MAX_DICTIONARY_INDEX if batch.tags is None else len(batch.tags)
    columns = [pack_column(column, batch.base_us, tag_limit) for column in batch.columns]
    layout = BodyLayout(
        v=VERSION,
        agent=batch.agent,
        base=batch.base_us,
        tags=UNSET if batch.tags is None else list(batch.tags),
        dictionary=UNSET if batch.dictionary is None else batch.dictionary,
        cols=[_column_layout(column) for column in columns],
        until=list(batch.until.items()),
        gaps=[_gap_layout(gap) for gap in batch.gaps],
    )
    body = msgspec.msgpack.encode(layout)
    if len(body) > MAX_BODY_BYTES:
        raise BatchTooLarge("body", len(body), MAX_BODY_BYTES)
    frame = _frame(body, columns)
    is_smaller = len(frame) < len(body)
    payload = join_header(FLAG_ZSTD if is_smaller else 0, batch.epoch, batch.seq, frame if is_smaller else body)
    if len(payload) > MAX_WIRE_BYTES:
        raise BatchTooLarge("wire", len(payload), MAX_WIRE_BYTES)
    return payload


def unpack_binary(payload: bytes) -> PackedBatch:
    """Read published bytes as far as it goes without touching single samples."""
    header = split_header(payload)
    body = verified_body(payload, header)
    plain = _decompressed(body, header) if header.is_zstd else body
    if len(plain) > MAX_BODY_BYTES:
        raise BodyInvalid("body_too_large", header, f"{len(plain)} bytes; at most {MAX_BODY_BYTES}")
    try:
        return _packed_batch(header, _read_layout(plain, header))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BodyInvalid("body_malformed", header, str(error)) from error
    except (BatchInvalid, BatchTooLarge) as error:
        raise BodyInvalid("content_invalid", header, str(error)) from error


def _column_layout(packed: PackedColumn) -> ColumnLayout:
    values = packed.value_bytes if packed.texts is None else packed.texts
    return ColumnLayout(
        k=packed.kind,
        i=packed.tag_bytes,
        t=packed.time_bytes,
        s=packed.status_bytes,
        x=UNSET if values is None else Raw(msgspec.msgpack.encode(values)),
    )


def _gap_layout(gap: Gap) -> GapLayout:
    return GapLayout(
        gap.from_us,
        gap.to_us,
        gap.reason,
        device=gap.device,
        tags=UNSET if gap.tags is None else Raw(msgspec.msgpack.encode(gap.tags)),
        batches=gap.batches,
    )


def _frame(body: bytes, columns: Sequence[PackedColumn]) -> bytes:
    """Compress with a block for each byte plane: zstd has one Huffman table a block, and planes differ much."""
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj(size=len(body))
    pieces: list[bytes] = []
    start = 0
    for cut in _plane_borders(body, columns):
        pieces += compressor.compress(body[start:cut]), compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        start = cut
    pieces += compressor.compress(body[start:]), compressor.flush()
    return b"".join(pieces)


def _plane_borders(body: bytes, columns: Sequence[PackedColumn]) -> list[int]:
    borders: list[int] = []
    position = 0
    for column in columns:
        if column.count < MIN_PLANE_BYTES:
            continue
        for cells in (column.tag_bytes, column.time_bytes, column.status_bytes, column.value_bytes):
            if cells is not None:
                position = body.index(cells, position)
                borders += range(position, position + len(cells) + 1, column.count)
                position += len(cells)
    return borders


def _decompressed(frame: memoryview, header: Header) -> bytes:
    try:
        # The library obeys max_output_size only for frames that do not state their size.
        size = zstandard.frame_content_size(frame)
        if size > MAX_BODY_BYTES:
            raise BodyInvalid("body_too_large", header, f"{size} bytes after decompression; at most {MAX_BODY_BYTES}")
        decompressor = zstandard.ZstdDecompressor()
        return decompressor.decompress(frame, max_output_size=MAX_BODY_BYTES, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise BodyInvalid("frame_invalid", header, f"{error} (at most {MAX_BODY_BYTES} bytes decoded)") from error


def _read_layout(plain: bytes | memoryview, header: Header) -> BodyLayout:
    try:
        layout = msgspec.msgpack.decode(plain, type=BodyLayout)
    except msgspec.ValidationError:
        version = msgspec.msgpack.decode(plain, type=VersionLayout).v
        if version > VERSION:
            raise VersionUnknown(header, f"v {version} is a later protocol; this is {VERSION}") from None
        raise
    if layout.v > VERSION:
        raise VersionUnknown(header, f"v {layout.v} is a later protocol; this is {VERSION}")
    if layout.v != VERSION:
        raise BatchInvalid("v", layout.v, f"{VERSION} is")
    return layout


def _packed_batch(header: Header, layout: BodyLayout) -> PackedBatch:
    counts = [_counted(column) for column in layout.cols]
    if sum(counts) > MAX_SAMPLES:
        raise BatchTooLarge("samples", sum(counts), MAX_SAMPLES)
    batch = PackedBatch(
        header=header,
        agent=layout.agent,
        base_us=layout.base,
        tags=None if layout.tags is UNSET else tuple(layout.tags),
        dictionary=None if layout.dictionary is UNSET else layout.dictionary,
        columns=tuple(_packed_column(column, count) for column, count in zip(layout.cols, counts, strict=True)),
        until=dict(layout.until),
        gaps=_gaps(layout.gaps),
    )
    check_content(batch)
    return batch


def _counted(column: ColumnLayout) -> int:
    count, rest = divmod(len(column.i), TAG_WIDTH)
    if rest:
        raise BatchInvalid(f"column {column.k}.i", len(column.i), f"a multiple of {TAG_WIDTH} bytes is")
    _check_width(column.k, "t", column.t, count * TIME_WIDTH)
    if column.s is not None:
        _check_width(column.k, "s", column.s, count * STATUS_WIDTH)
    return count


def _packed_column(column: ColumnLayout, count: int) -> PackedColumn:
    kind = column.k
    if (column.x is UNSET) != (kind is Kind.NONE):
        raise BatchInvalid(f"column {kind}.x", column.x, "values in every kind but `none` are")
    value_bytes: bytes | None = None
    texts: list[str] | None = None
    try:
        if column.x is not UNSET and kind in TEXT_KINDS:
            texts = _texts(kind, column.x, count)
        elif column.x is not UNSET:
            value_bytes = _value_bytes(kind, column.x, count)
    except msgspec.MsgspecError as error:
        raise BatchInvalid(f"column {kind}.x", str(error), "bytes, or a list of strings in text kinds, are") from error
    return PackedColumn(kind, count, column.i, column.t, column.s, value_bytes, texts)


def _texts(kind: Kind, cells: Raw, count: int) -> list[str]:
    texts: list[str] = msgspec.msgpack.decode(cells, type=Texts)
    if len(texts) != count:
        raise BatchInvalid(f"column {kind}.x", len(texts), f"{count} entries, one a sample, are")
    return texts


def _value_bytes(kind: Kind, cells: Raw, count: int) -> bytes:
    value_bytes = msgspec.msgpack.decode(cells, type=bytes)
    _check_width(kind, "x", value_bytes, count * VALUE_WIDTHS[kind])
    if kind is Kind.BOOL and value_bytes.translate(None, b"\0\1"):
        raise BatchInvalid(f"column {kind}.x", max(value_bytes), "bytes 0 and 1 are")
    return value_bytes


def _check_width(kind: Kind, field: str, cells: bytes, expected: int) -> None:
    if len(cells) != expected:
        raise BatchInvalid(f"column {kind}.{field}", len(cells), f"{expected} bytes, as many as its samples need, are")


def _gaps(layouts: list[GapLayout]) -> tuple[Gap, ...]:
    gaps: list[Gap] = []
    tag_count = 0
    for layout in layouts:
        tags = None if layout.tags is UNSET else tuple(msgspec.msgpack.decode(layout.tags, type=TagPaths))
        tag_count += len(tags or ())
        if tag_count > MAX_TAGS:
            raise BatchTooLarge("gaps.tags", tag_count, MAX_TAGS)
        gaps.append(Gap(layout.from_us, layout.to_us, layout.reason, layout.device, tags, layout.batches))
    return tuple(gaps)
