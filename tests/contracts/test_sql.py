"""SQL stands in .sql files, in named statements that are used, and nowhere in Python."""

import ast
import re
from pathlib import Path

from tests.contracts.tree import PACKAGES, files, modules, text

NAME = re.compile(r"^-- name: *(\w+)", re.MULTILINE)
SQL_IN_PYTHON = re.compile(
    r"^\s*(select\b.+\bfrom|insert\s+into|update\s+\w+\s+set|delete\s+from|create\s+(table|index|function)|alter\s+table"
    r"|with\s+\w+\s+as\s*\()",
    re.IGNORECASE | re.DOTALL,
)
FILE_LINES = 300
STATEMENT_LINES = 60


def sql_files() -> list[Path]:
    return [path for path in files() if path.suffix == ".sql" and path.parts[0] in PACKAGES]


def statements(path: Path) -> dict[str, str]:
    parts = NAME.split(text(path))[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def named_files() -> list[Path]:
    return [path for path in sql_files() if NAME.search(text(path))]


def test_no_sql_in_python() -> None:
    found = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        if not module.is_test
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_IN_PYTHON.match(node.value)
    ]
    assert not found


def test_statement_names_are_unique_and_used() -> None:
    names = [(path, name) for path in named_files() for name in statements(path)]
    code = "\n".join(module.text for module in modules() if not module.is_test)
    words = set(re.findall(r"\w+", code))
    # f"create_{table}" uses every statement with that beginning.
    beginnings = tuple(re.findall(r'f"([a-z]+_)\{', code))
    unused = [
        f"{path}: {name}" for path, name in names if not (name in words or (beginnings and name.startswith(beginnings)))
    ]
    assert not unused
    doubled = {name for _, name in names if [other for _, other in names].count(name) > 1}
    assert not doubled


def test_statements_are_short() -> None:
    long = [
        f"{path}: {name} has {len(body.splitlines())} lines"
        for path in named_files()
        for name, body in statements(path).items()
        if len(body.strip().splitlines()) > STATEMENT_LINES
    ]
    assert not long


def test_files_are_short() -> None:
    assert not [str(path) for path in named_files() if len(text(path).splitlines()) > FILE_LINES]
