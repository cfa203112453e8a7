"""A sheet of assets: CSV to rows with everything that is wrong with them, and assets to such a sheet (pure)."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from pydantic import ValidationError

from cloud_api.assets.models import AssetChange
from cloud_api.field_problems import from_pydantic
from cloud_api.storage.assets import AssetRow
from schemas.sample import path_problem

COLUMNS = (
    "path",
    "new_path",
    "kind",
    "name_en",
    "name_zh",
    "description",
    "location",
    "template",
    "attributes",
    "documents",
)
MAX_ROWS = 5_000
SEPARATORS = ",;\t"
_JSON = {"attributes": "{}", "documents": "[]"}


@dataclass(frozen=True, slots=True)
class SheetProblem:
    """What is wrong with one cell, or with a line or the whole sheet (no column)."""

    line: int
    column: str | None
    value: str | None
    detail: str
    allowed: str | None = None


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One line: which asset, what to change of it, where to move it, and its template by name."""

    line: int
    path: str
    new_path: str | None
    change: AssetChange
    template: str | None
    has_template: bool


class SheetUnreadable(Exception):
    """The bytes are no text, or no CSV; the message says what to do."""


def read_sheet(content: bytes, charset: str | None) -> tuple[list[SheetRow], list[SheetProblem]]:
    """Read a sheet: the rows that can be used, and every problem of the others."""
    text = _decoded(content, charset)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise SheetUnreadable(f"line {reader.line_num} is no CSV: {error}") from error
    if not lines:
        raise SheetUnreadable("the sheet is empty; its first line names the columns")
    header = [name.strip() for name in lines[0][1]]
    problems = list(_header_problems(header))
    if len(lines) - 1 > MAX_ROWS:
        problems.append(SheetProblem(1, None, None, f"has {len(lines) - 1} lines", f"at most {MAX_ROWS}"))
    if problems:
        return [], problems
    rows: list[SheetRow] = []
    seen: dict[str, int] = {}
    for line, cells in lines[1:]:
        found = _row(line, header, cells)
        if isinstance(found, SheetRow):
            if found.path in seen:
                detail = f"names the asset of line {seen[found.path]} again"
                problems.append(SheetProblem(line, "path", found.path, detail, "each asset once"))
            seen.setdefault(found.path, line)
            rows.append(found)
        else:
            problems += found
    return rows, problems


def sheet_rows(rows: Iterable[AssetRow]) -> Iterator[tuple[Any, ...]]:
    """Assets as lines of such a sheet."""
    for row in rows:
        names = (row.name_en, row.name_zh, row.description, row.location, row.template_name)
        filled = (None if text == _JSON[name] else text for name, text in _json_of(row))
        yield (row.path, None, row.kind, *names, *filled)


def is_same(one: AssetRow, other: AssetRow) -> bool:
    """Whether two states of an asset say the same, however their JSON is written."""
    plain = ("kind", "name_en", "name_zh", "description", "location", "template_id")
    if any(getattr(one, name) != getattr(other, name) for name in plain):
        return False
    pairs = zip(_json_of(one), _json_of(other), strict=True)
    return all(msgspec.json.decode(left[1]) == msgspec.json.decode(right[1]) for left, right in pairs)


def _json_of(row: AssetRow) -> Sequence[tuple[str, str]]:
    return ("attributes", row.attributes), ("documents", row.documents)


def _decoded(content: bytes, charset: str | None) -> str:
    try:
        return content.decode("utf-8-sig" if charset in {None, "utf-8"} else str(charset))
    except UnicodeDecodeError as error:
        detail = "save the sheet as CSV UTF-8, or name its charset, as `Content-Type: text/csv; charset=gb18030`"
        raise SheetUnreadable(f"the sheet is not {charset or 'UTF-8'}: {detail}") from error
    except (LookupError, ValueError) as error:
        raise SheetUnreadable(f"the charset {charset!r} is not known") from error


def _separator(text: str) -> str:
    """Spreadsheets write semicolons where the comma is in numbers, and tabs when cells are copied."""
    header = text.partition("\n")[0]
    return next((each for each in SEPARATORS if each in header), SEPARATORS[0])


def _header_problems(header: Sequence[str]) -> Iterator[SheetProblem]:
    allowed = ", ".join(COLUMNS)
    for name in sorted(set(header)):
        if name not in COLUMNS:
            yield SheetProblem(1, name or None, name, "is no column of this sheet", allowed)
        elif header.count(name) > 1:
            yield SheetProblem(1, name, name, "stands there more than once", "each column once")
    if "path" not in header:
        yield SheetProblem(1, "path", None, "is missing", allowed)


def _row(line: int, header: Sequence[str], cells: Sequence[str]) -> SheetRow | list[SheetProblem]:
    if len(cells) > len(header):
        return [SheetProblem(line, None, None, f"has {len(cells)} cells", f"at most {len(header)}")]
    texts = {name: cell.strip() or None for name, cell in zip(header, cells, strict=False)}
    texts |= dict.fromkeys(header[len(cells) :])
    problems = [
        SheetProblem(line, name, texts.get(name), problem)
        for name in ("path", "new_path")
        if (problem := _path_problem(texts.get(name), is_needed=name == "path"))
    ]
    fields: dict[str, Any] = {name: texts[name] for name in ("kind", "description", "location") if name in texts}
    names = {language: texts[f"name_{language}"] for language in ("en", "zh") if f"name_{language}" in texts}
    if names:
        fields["name"] = names
    for name, empty in _JSON.items():
        if name in texts:
            try:
                fields[name] = json.loads(texts[name] or empty)
            except ValueError as error:
                problems.append(SheetProblem(line, name, texts[name], f"is no JSON: {error}", f"as {empty}"))
    try:
        change = AssetChange.model_validate(fields)
    except ValidationError as error:
        return [*problems, *_validation_problems(line, error)]
    if problems:
        return problems
    return SheetRow(
        line, texts["path"] or "", texts.get("new_path"), change, texts.get("template"), "template" in texts
    )


def _path_problem(path: str | None, *, is_needed: bool) -> str | None:
    if path is None:
        return "is empty" if is_needed else None
    return path_problem(path)


def _validation_problems(line: int, error: ValidationError) -> Iterator[SheetProblem]:
    for each in error.errors():
        column = "_".join(str(part) for part in each["loc"])
        value = each["input"] if isinstance(each["input"], str) else repr(each["input"])
        yield SheetProblem(line, column, value, each["msg"], from_pydantic(each, AssetChange).allowed)
