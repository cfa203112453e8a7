"""Tables as Arrow record batches, Arrow streams in pieces, and Parquet files (arro3; nanoarrow lays buffers out)."""

import io
import itertools
from collections.abc import Iterable, Sequence
from functools import partial
from typing import IO, Any

import arro3.core as arrow
import arro3.io as files
import nanoarrow
import numpy as np

from cloud_api.formats.table import Column, Kind, Repeated, Table, Typed

# An IPC stream ends with an empty message: continuation mark and length 0.
_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_PLAIN = {
    Kind.NUMBER: nanoarrow.float64,
    Kind.SIGNED: nanoarrow.int64,
    Kind.UNSIGNED: nanoarrow.uint64,
    Kind.CODE: nanoarrow.uint32,
}


class ArrowPieces:
    """An Arrow IPC stream, batch by batch; every table has these columns."""

    def __init__(self, names: Sequence[str], kinds: Sequence[Kind]) -> None:
        self._kinds = kinds
        empty = zip(names, kinds, strict=True)
        nothing = Table([Column(name, 0, partial(_nothing, kind), list) for name, kind in empty])
        self.head = _written(arrow.RecordBatchReader.from_batches(batch(nothing, kinds).schema, []), 0)
        self.end = _END

    def piece(self, table: Table) -> bytes:
        """The message of one batch."""
        return _written(batch(table, self._kinds), len(self.head))


class _Taken(io.BytesIO):
    """Keeps what is written as it came: a file in memory would copy it."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def write(self, data: Any, /) -> int:
        self.pieces.append(bytes(data))
        return len(self.pieces[-1])


def _written(batches: arrow.RecordBatch | arrow.RecordBatchReader, skipped: int) -> bytes:
    """A stream without its first bytes and without its end."""
    target = _Taken()
    # Whoever wants it smaller asks for a content coding, which packs better than LZ4 inside.
    files.write_ipc_stream(batches, target, compression=None)
    pieces = target.pieces
    while pieces and len(pieces[0]) <= skipped:
        skipped -= len(pieces.pop(0))
    if pieces and pieces[-1] == _END:
        pieces.pop()
        return b"".join(pieces) if not skipped else b"".join(pieces)[skipped:]
    return b"".join(pieces)[skipped : -len(_END)]


def write_parquet(tables: Iterable[Table], kinds: Sequence[Kind], target: IO[bytes]) -> None:
    """Write tables of the same columns, at least one, as one Parquet file, packed with zstd."""
    batches = (batch(each, kinds) for each in tables)
    head = next(batches)
    reader = arrow.RecordBatchReader.from_batches(head.schema, itertools.chain([head], batches))
    files.write_parquet(reader, target, compression="zstd(3)")


def common_kinds(tables: Sequence[Table]) -> list[Kind]:
    """What each column has to be so that every table fits: numbers where all are numbers, else texts."""
    return [_common([table.columns[place].typed() for table in tables]) for place in range(len(tables[0].columns))]


def batch(table: Table, kinds: Sequence[Kind]) -> arrow.RecordBatch:
    """One record batch of columns of these kinds."""
    arrays = [_array(_as_kind(column, kind)) for column, kind in zip(table.columns, kinds, strict=True)]
    return arrow.RecordBatch.from_arrays(arrays, names=table.names)


def _common(columns: Sequence[Typed]) -> Kind:
    kinds = {each.kind for each in columns if each.missing is None or not each.missing.all()}
    if not kinds:  # nothing in any of them
        return columns[0].kind
    if len(kinds) == 1:
        return kinds.pop()
    return Kind.NUMBER if kinds <= {Kind.NUMBER, Kind.SIGNED, Kind.UNSIGNED} else Kind.TEXT


def _as_kind(column: Column, kind: Kind) -> Typed:
    typed = column.typed()
    if typed.kind is kind:
        return typed
    if kind is Kind.TEXT:
        return Typed(kind, [None if each is None else str(each) for each in column.shown()])
    absent = np.zeros(column.size, np.bool_) if typed.missing is None else typed.missing
    values = np.where(absent, 0, np.asarray(typed.values)).astype(_WIDTHS[kind])
    return Typed(kind, values, absent)


def _nothing(kind: Kind) -> Typed:
    return Typed(kind, [] if kind is Kind.TEXT else np.empty(0, _WIDTHS[kind]))


def _array(typed: Typed) -> arrow.Array:
    if isinstance(typed.values, Repeated):
        return _repeated(typed.values)
    if typed.kind is Kind.TEXT:
        return arrow.Array.from_arrow(nanoarrow.c_array(list(typed.values), nanoarrow.string()))
    values = np.ascontiguousarray(typed.values, _WIDTHS[typed.kind])
    absent = 0 if typed.missing is None else int(np.count_nonzero(typed.missing))
    valid = None if not absent or typed.missing is None else np.packbits(~typed.missing, bitorder="little")
    if typed.kind is Kind.BOOLEAN:
        values = np.packbits(np.asarray(values, np.bool_), bitorder="little")
        kind = nanoarrow.bool_()
    elif typed.kind is Kind.INSTANT:
        kind = nanoarrow.timestamp("us", timezone="UTC")
    else:
        kind = _PLAIN[typed.kind]()
    made = nanoarrow.c_array_from_buffers(kind, len(typed.values), [valid, values], null_count=absent)
    return arrow.Array.from_arrow(made)


def _repeated(texts: Repeated) -> arrow.Array:
    """Laid out at once: a text a row would cost more than all numbers beside it."""
    data = texts.text.encode()
    ends = np.arange(len(texts) + 1, dtype=np.int32) * np.int32(len(data))
    made = nanoarrow.c_array_from_buffers(nanoarrow.string(), len(texts), [None, ends, data * len(texts)], null_count=0)
    return arrow.Array.from_arrow(made)


_WIDTHS = {
    Kind.NUMBER: np.float64,
    Kind.SIGNED: np.int64,
    Kind.UNSIGNED: np.uint64,
    Kind.CODE: np.uint32,
    Kind.INSTANT: np.int64,
    Kind.BOOLEAN: np.bool_,
}
