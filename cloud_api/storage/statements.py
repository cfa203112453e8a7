"""Reads sql/*.sql once: every statement starts with `-- name: <verb_noun>` and is known by that name everywhere."""

import re
from functools import cache
from pathlib import Path
from typing import LiteralString, cast

SQL = Path(__file__).parent / "sql"
_HEAD = re.compile(r"^--\s*name:\s*([a-z0-9_]+)\s*$", re.MULTILINE)


class StatementsInvalid(Exception):
    """A statement file has text before its first name, or a name appears twice."""


def statement(name: str) -> LiteralString:
    """The SQL text of that name; the files are part of the program, so it counts as literal."""
    return statements()[name]


@cache
def statements() -> dict[str, LiteralString]:
    """Every statement by its name."""
    found: dict[str, LiteralString] = {}
    for path in sorted(SQL.glob("*.sql")):
        for name, text in parse(path.read_text(encoding="utf-8"), path.name):
            if name in found:
                raise StatementsInvalid(f"{path.name}: statement {name} exists twice")
            found[name] = cast("LiteralString", text)
    return found


def parse(text: str, where: str) -> list[tuple[str, str]]:
    """Split a file into (name, statement); only comments may stand before the first name."""
    heads = list(_HEAD.finditer(text))
    before = text[: heads[0].start()] if heads else text
    if any(line.strip() and not line.startswith("--") for line in before.splitlines()):
        raise StatementsInvalid(f"{where}: text before the first `-- name:`")
    ends = [*(head.start() for head in heads[1:]), len(text)]
    return [(head[1], text[head.end() : end].strip().rstrip(";")) for head, end in zip(heads, ends, strict=True)]
