"""Lists as CSV: a header and rows, plain or as spreadsheets like it (pure)."""

import csv
import io
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

MEDIA_TYPE = "text/csv"
BOM = "\ufeff"


class SheetForm(StrEnum):
    """How a CSV answer begins: spreadsheets read UTF-8 only behind a byte order mark."""

    PLAIN = "plain"
    EXCEL = "excel"


def wants_sheet(accept: str | None) -> bool:
    """Whether an Accept header asks for CSV before it asks for JSON."""
    names = [part.partition(";")[0].strip().lower() for part in (accept or "").split(",")]
    ranked = [name for name in names if name in {MEDIA_TYPE, "application/json", "*/*"}]
    return bool(ranked) and ranked[0] == MEDIA_TYPE


def write_sheet(columns: Sequence[str], rows: Iterable[Sequence[Any]], form: SheetForm = SheetForm.PLAIN) -> bytes:
    """Write RFC 4180: null is an empty cell."""
    text = io.StringIO()
    if form is SheetForm.EXCEL:
        text.write(BOM)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()
