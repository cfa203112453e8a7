"""Members of a document by their path, as `condition.hi.limit` and `steps.0.after` (pure)."""

from collections.abc import Mapping
from typing import Any

ABSENT = object()


def find(document: Any, path: str) -> Any:
    """What is there; ABSENT for nothing."""
    for part in path.split("."):
        if isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, dict) and part in document:
            document = document[part]
        else:
            return ABSENT
    return document


def put(document: Any, path: str, value: Any) -> None:
    """Put a value there, with the tables on the way; ABSENT takes away what is there."""
    *parts, last = path.split(".")
    for part in parts:
        if isinstance(document, list):
            document = document[int(part)]
            continue
        if not isinstance(document.get(part), dict | list):
            if value is ABSENT:
                return
            document[part] = {}
        document = document[part]
    if isinstance(document, list):
        document[int(last)] = value
    elif value is ABSENT:
        document.pop(last, None)
    else:
        document[last] = value


def compact(document: Mapping[str, Any]) -> dict[str, Any]:
    """Tables that are empty are not said at all."""
    kept = {name: compact(value) if isinstance(value, dict) else value for name, value in document.items()}
    return {name: value for name, value in kept.items() if value != {}}


def flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Members inside members, by dotted names."""
    found: list[tuple[str, Any]] = []
    for name, value in table.items():
        found += flat(value, f"{prefix}{name}.") if isinstance(value, dict) and value else [(prefix + name, value)]
    return found
