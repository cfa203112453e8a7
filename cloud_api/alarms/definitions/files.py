"""Definitions as files that people keep under version control: TOML, and CSV with one column a member (pure)."""

import csv
import io
import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import tomli_w

HEAD = (
    "# Alarm definitions. `millstream cloud alarms apply FILE` brings them into force, `diff` says what would change.\n"
)
# Reading a dotted key takes the square of its length.
MOST_DOTS = 1_000
FIRST = ("name", "enabled", "target.path", "target.template", "target.tag", "condition.kind")


class FileUnreadable(Exception):
    """The file is not what its form asks for; the message says where."""


def read_toml(text: str) -> list[dict[str, Any]]:
    """Read `[[definition]]` tables; what they hold is checked later."""
    if any(line.partition("=")[0].count(".") > MOST_DOTS for line in text.splitlines()):
        raise FileUnreadable("is nested too deeply")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileUnreadable(str(error)) from error
    except RecursionError as error:
        raise FileUnreadable("is nested too deeply") from error
    unknown = sorted(set(content) - {"definition"})
    if unknown:
        raise FileUnreadable(f"has {', '.join(unknown)}; allowed: [[definition]] tables")
    found = content.get("definition", [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise FileUnreadable("definition is not an array of tables; write [[definition]]")
    return cast("list[dict[str, Any]]", found)


def write_toml(documents: Sequence[Mapping[str, Any]]) -> str:
    """Write definitions so that reading gives the same documents."""
    if not documents:
        return HEAD
    return HEAD + "\n" + tomli_w.dumps({"definition": list(documents)}, multiline_strings=False)


def read_csv(text: str) -> list[dict[str, Any]]:
    """Read one definition a line; a column is a member such as `condition.hi.limit`, an empty cell says nothing."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        rows = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise FileUnreadable(f"line {reader.line_num}: {error}") from error
    if not rows:
        return []
    head = [cell.strip() for cell in rows[0]]
    doubled = sorted({name for name in head if head.count(name) > 1})
    if doubled or "" in head:
        raise FileUnreadable(f"the first line names a column twice or not at all: {', '.join(doubled) or 'empty'}")
    documents: list[dict[str, Any]] = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(head):
            raise FileUnreadable(f"line {number} has {len(row)} cells, the first line {len(head)}")
        documents.append(_document(head, row, number))
    return documents


def write_csv(documents: Sequence[Mapping[str, Any]]) -> str:
    """Write definitions so that reading gives the same documents; with a mark that lets spreadsheets see UTF-8."""
    flat = [_flat(document) for document in documents]
    columns = {name for row in flat for name in row}
    head = [name for name in FIRST if name in columns] + sorted(columns - set(FIRST))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([row.get(name, "") for name in head] for row in flat)
    return "\ufeff" + out.getvalue()


def _document(head: Sequence[str], row: Sequence[str], number: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, cell in zip(head, row, strict=True):
        if cell.strip():
            place = document
            *tables, member = name.split(".")
            for table in tables:
                place = place.setdefault(table, {})
                if not isinstance(place, dict):
                    raise FileUnreadable(f"line {number}: {name} is inside something that has a value of its own")
            place[member] = _value(cell.strip())
    return document


def _value(cell: str) -> Any:
    """JSON where it is JSON (numbers, true, lists, quoted texts), else the text itself."""
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, dict) and value and not any("." in str(key) for key in value):
            found |= _flat(cast("dict[str, Any]", value), f"{prefix}{name}.")
        else:
            found[prefix + name] = _cell(value)
    return found


def _cell(value: Any) -> str:
    """Write a text plainly, unless reading it would give something else."""
    if isinstance(value, str) and _value(value.strip()) == value:
        return value
    return json.dumps(value, ensure_ascii=False)
