"""A query's result as pieces of JSON, CSV, Arrow or Parquet; nothing of the answer is held as a whole."""

import tempfile
from collections.abc import Generator, Mapping, Sequence

import msgspec

from cloud_api.formats.accept import Format
from cloud_api.formats.arrow import ArrowPieces, common_kinds, write_parquet
from cloud_api.formats.sheet import Style, csv_head, csv_lines
from cloud_api.formats.table import Json, Table, mixed, repeated, table
from cloud_api.instants import format_interval, format_us
from cloud_api.query.answered import answers_of, wide_table
from cloud_api.query.intervals import read_zone
from cloud_api.query.models import Layout, Resolution
from cloud_api.query.plan import Aligned
from cloud_api.query.service import QueryResult, align_of
from cloud_api.query.tables import Answered
from cloud_api.query.values import DOUBLES
from cloud_api.wall_clocks import find_zone

FILE_BYTES = 262_144

_ENCODER = msgspec.json.Encoder()


def pieces(result: QueryResult, chosen: Format) -> Generator[bytes]:
    """Write the answer, piece by piece."""
    if chosen is Format.JSON:
        return _json(result)
    tables = [wide_table(result)] if result.request.layout is Layout.WIDE else _long(answers_of(result))
    return table_pieces(tables, chosen, read_style(result.request.excel, result.request.time_zone))


def is_light(result: QueryResult, chosen: Format) -> bool:
    """Whether pieces are no more than numbers laid side by side: sooner done than handed to a thread."""
    if chosen is not Format.ARROW or result.reading is not None or result.asked:
        return False
    is_long = result.request.layout is not Layout.WIDE
    is_numbers = all(row.kind in DOUBLES for row in result.shown)
    return is_long and is_numbers and all(each.texts is None for each in result.samples.values())


def read_style(is_excel: bool, time_zone: str | None) -> Style:  # as it stands in requests
    """How a CSV is written; a Problem where there is no such time zone."""
    zone = read_zone(time_zone)
    return Style(is_excel, zone or find_zone("UTC")) if is_excel else Style()


def table_pieces(tables: Sequence[Table], chosen: Format, style: Style) -> Generator[bytes]:
    """Tables of the same columns in one of the formats that hold nothing but a table."""
    if chosen is Format.CSV:
        return csv_pieces(tables, style)
    return arrow_pieces(tables) if chosen is Format.ARROW else parquet_pieces(tables)


def csv_pieces(tables: Sequence[Table], style: Style) -> Generator[bytes]:
    """Tables of the same columns as one CSV."""
    yield csv_head(tables[0].names, tables[0], style)
    for each in tables:
        for some in each.slices():
            yield csv_lines(some, style)


def arrow_pieces(tables: Sequence[Table]) -> Generator[bytes]:
    """Tables of the same columns as one Arrow stream."""
    writer = ArrowPieces(tables[0].names, common_kinds(tables))
    yield writer.head
    for each in tables:
        for some in each.slices():
            yield writer.piece(some)
    yield writer.end


def parquet_pieces(tables: Sequence[Table]) -> Generator[bytes]:
    """Tables of the same columns as one Parquet file, made on disk, since its parts are known at its end."""
    with tempfile.TemporaryFile() as file:
        write_parquet(tables, common_kinds(tables), file)
        file.seek(0)
        while piece := file.read(FILE_BYTES):
            yield piece


def _json(result: QueryResult) -> Generator[bytes]:
    head = _ENCODER.encode(_head(result))
    if result.request.layout is Layout.WIDE:
        wide = wide_table(result)
        heads = [each.head | {"columns": None, "rows": None} for each in answers_of(result, heads_only=True)]
        yield head[:-1] + b',"series":' + _ENCODER.encode(heads) + b',"columns":' + _ENCODER.encode(wide.names)
        yield from _rows(wide)
        yield b"}"
        return
    yield head[:-1] + b',"series":['
    for index, each in enumerate(answers_of(result)):
        opening = _ENCODER.encode(each.head | {"columns": each.table.names})
        yield (b"," if index else b"") + opening[:-1]
        yield from _rows(each.table)
        yield b"}"
    yield b"]}"


def _rows(of: Table) -> Generator[bytes]:
    yield b',"rows":['
    for index, some in enumerate(of.slices()):
        yield some.json_rows(b"," if index else b"")
    yield b"]"


def _head(result: QueryResult) -> dict[str, Json]:
    buckets, reading, scanned = result.buckets, result.reading, _scanned(result)
    partial = [] if buckets is None else [format_us(start_us) for start_us in buckets.partial_us()]
    return {
        "resolution": Resolution.RAW.value if reading is None else reading.resolution,
        "estimate": result.estimate,
        "rows_scanned": sum(scanned.values()),
        "scanned": scanned,
        "as_of": result.request.as_of,
        "aligned": encode_aligned(result.aligned),
        "from": format_us(result.window.from_us),
        "to": format_us(result.window.to_us),
        "interval": None if buckets is None else buckets.label or format_interval(buckets.step_us),
        "align": align_of(result.request, buckets),
        "time_zone": result.request.time_zone,
        "fill": result.request.fill,
        "partial": partial,
    }


def _scanned(result: QueryResult) -> Mapping[str, int]:
    """How many rows were read, without the few that surround a window."""
    if result.reading is not None:
        return result.reading.scanned
    return {"raw": sum(len(samples) for samples in result.samples.values())}


def encode_aligned(aligned: Aligned | None) -> dict[str, Json] | None:
    """Write what is answered where it is not what was asked for."""
    if aligned is None:
        return None
    moved = [
        {
            "first": format_us(each.first_us),
            "last": format_us(each.last_us),
            "bucket": format_interval(each.width_us),
            "edges": each.count,
        }
        for each in aligned.moved
    ]
    return {"from": format_us(aligned.from_us), "to": format_us(aligned.to_us), "moved": moved}


def _long(answers: Sequence[Answered]) -> list[Table]:
    """One table for all: every row says of which series it is, and columns that a series has not are empty."""
    names = list(dict.fromkeys(name for each in answers for name in each.table.names))
    return [_named(each, names) for each in answers]


def _named(answered: Answered, names: Sequence[str]) -> Table:
    name = str(answered.head["path"] if answered.head["path"] is not None else answered.head["name"])
    own = {column.name: column for column in answered.table.columns}
    size = answered.table.size
    columns = [own.get(each) or mixed(each, [None] * size) for each in names]
    return table([repeated("series", name, size), *columns])
