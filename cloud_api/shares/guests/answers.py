"""Tables that come one after the other, as one JSON, CSV or Arrow answer."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import msgspec

from cloud_api.formats.accept import Format
from cloud_api.formats.arrow import ArrowPieces, common_kinds
from cloud_api.formats.sheet import Style, csv_head, csv_lines
from cloud_api.formats.table import Table

OFFERED = (Format.JSON, Format.CSV, Format.ARROW)
_ENCODER = msgspec.json.Encoder()


def written(tables: AsyncGenerator[Table], chosen: Format, head: Mapping[str, Any]) -> AsyncIterator[bytes]:
    """Write tables of the same columns; `head` stands before the rows in JSON."""
    if chosen is Format.CSV:
        return _csv(tables)
    return _arrow(tables) if chosen is Format.ARROW else _json(tables, head)


async def _json(tables: AsyncGenerator[Table], head: Mapping[str, Any]) -> AsyncGenerator[bytes]:
    is_first = True
    async for each in tables:
        rows = _ENCODER.encode(each.rows())[1:-1]
        if is_first:
            yield _ENCODER.encode({**head, "columns": each.names})[:-1] + b',"rows":[' + rows
        elif rows:
            yield b"," + rows
        is_first = False
    yield b"]}"


async def _csv(tables: AsyncGenerator[Table]) -> AsyncGenerator[bytes]:
    is_first = True
    async for each in tables:
        head = csv_head(each.names, each, Style()) if is_first else b""
        yield head + csv_lines(each, Style())
        is_first = False


async def _arrow(tables: AsyncGenerator[Table]) -> AsyncGenerator[bytes]:
    writer: ArrowPieces | None = None
    async for each in tables:
        if writer is None:
            writer = ArrowPieces(each.names, common_kinds([each]))
            yield writer.head
        yield writer.piece(each)
    yield b"" if writer is None else writer.end
