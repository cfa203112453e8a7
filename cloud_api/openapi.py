"""The OpenAPI document as it is true: refusals are problem documents alone, and 422 is said where it can happen."""

from collections.abc import Callable, Iterator
from typing import Any

from cloud_api.problems import MEDIA_TYPE

METHODS = frozenset({"get", "put", "post", "delete", "patch"})
_FOREIGN_SCHEMAS = ("HTTPValidationError", "ValidationError")


def tidy(document: dict[str, Any]) -> dict[str, Any]:
    """Take out what the framework adds by itself and this API never answers."""
    for operation in operations(document):
        responses: dict[str, Any] = operation["responses"]
        for status in list(responses):
            content: dict[str, Any] = responses[status].get("content", {})
            if MEDIA_TYPE in content:
                content.pop("application/json", None)
            elif status == "422":
                del responses[status]
    for name in _FOREIGN_SCHEMAS:
        document.get("components", {}).get("schemas", {}).pop(name, None)
    return document


def tidily(describe: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Describe, and tidy the description."""
    return lambda: tidy(describe())


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of a document."""
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method in METHODS)
