"""Messages of alarms: templates in two languages, their fields, and how numbers look in them (pure)."""

import re
from collections.abc import Mapping

FIELDS = frozenset({"value", "limit", "path", "name", "level", "unit", "label", "tag"})
_FIELD = re.compile(r"\{([^{}]*)\}")
_SHAPE = re.compile(r"(?P<name>[^:]*)(?::\.(?P<digits>\d)(?P<form>[fg]))?")
NO_VALUE = "–"


def unknown_fields(template: str, variables: frozenset[str]) -> list[str]:
    """List what stands in braces and is nothing that can be filled in; a lone brace counts too."""
    wrong: list[str] = []
    for inner in _FIELD.findall(template):
        shape = _SHAPE.fullmatch(inner)
        if shape is None or (shape["name"] not in FIELDS and shape["name"] not in variables):
            wrong.append("{" + inner + "}")
    if any(brace in _FIELD.sub("", template) for brace in "{}"):
        wrong.append("a brace alone")
    return wrong


def fill(template: str, words: Mapping[str, str | float | None]) -> str:
    """Fill a template in; `{value:.1f}` and `{value:.3g}` choose the digits, else there are six at most."""

    def filled(found: re.Match[str]) -> str:
        shape = _SHAPE.fullmatch(found[1])
        if shape is None or shape["name"] not in words:
            return found[0]
        return shown(words[shape["name"]], shape["digits"], shape["form"])

    # A series without a unit leaves two spaces where it would stand.
    return re.sub(" {2,}", " ", _FIELD.sub(filled, template)).strip()


def shown(value: str | float | None, digits: str | None = None, form: str | None = None) -> str:
    """Write one value."""
    if value is None:
        return NO_VALUE
    if isinstance(value, str):
        return value
    if digits is not None and form is not None:
        return format(value, f".{digits}{form}")
    return format(value, ".6g")
