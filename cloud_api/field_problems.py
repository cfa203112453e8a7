"""What is wrong with one field: its name, the value that it had, what would be allowed (pure)."""

from collections.abc import Generator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict

from cloud_api.members import Place, place_of

SHOWN_VALUE_CHARACTERS = 200
# Names of members that hold secrets; what is wrong with one is said without repeating it.
SECRETS = frozenset({"password", "old", "new", "code", "secret", "token", "key", "authorization", "cookie"})
# A name that nobody knows may be one of those, mistyped or put together.
_SECRET_PARTS = ("pass", "pwd", "secret", "token", "key", "auth", "cookie", "credential")
_LONG = tuple(name for name in SECRETS if len(name) > len("code"))
_NAMED_BY = frozenset({"body", "query", "path", "header", "cookie"})
_BOUNDS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "min_length": "length >=", "max_length": "length <="}
# What a type of pydantic's errors leaves unsaid.
_ALLOWED = {
    "bool_": "true or false",
    "int_": "a whole number",
    "float_": "a number",
    "finite_number": "a finite number",
    "string_type": "a text",
    "list_type": "a list",
    "dict_type": "an object",
    "model_": "an object",
    "date_": "a date, as 2026-01-31",
    "datetime_": "an RFC 3339 instant with its offset, as 2026-01-31T08:00:00Z",
}


class FieldProblem(BaseModel):
    """One field of a request that is not allowed."""

    model_config = ConfigDict(frozen=True)

    field: str
    value: Any = None
    detail: str
    allowed: str | None = None


def field_problem(name: str, value: object, detail: str, allowed: str | None) -> FieldProblem:
    """Name a field that is not allowed, with its value as far as it may be shown."""
    return FieldProblem(field=name, value=shown(value), detail=detail, allowed=allowed)


def shown(value: object) -> object:
    """A value that is safe and short enough to send back."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN_VALUE_CHARACTERS else text[:SHOWN_VALUE_CHARACTERS] + "…"


def from_pydantic(error: Mapping[str, Any], whole: object = None) -> FieldProblem:
    """Turn one of pydantic's errors into a problem.

    Args:
        error: as `ValidationError.errors()` gives it; what `loc` begins with may say where the value came from.
        whole: the type of all that was checked, from which the members are read that are known at the place.
    """
    loc = tuple(error["loc"])
    parts = loc[1:] if loc[:1] and loc[0] in _NAMED_BY and len(loc) > 1 else loc
    place = Place()
    if error["type"] == "extra_forbidden":
        place = place_of(whole, parts[:-1])
    value = None if _may_be_secret(error, place) else error.get("input")
    return field_problem(".".join(map(str, parts)), value, str(error["msg"]), _allowed(error, place))


def _allowed(error: Mapping[str, Any], place: Place) -> str | None:
    if place.members:
        return ", ".join(place.members)
    context = error.get("ctx") or {}
    expected = context.get("expected") or context.get("expected_tags") or context.get("pattern")
    bounds = [f"{sign} {context[key]}" for key, sign in _BOUNDS.items() if key in context]
    said = ", ".join([*([str(expected)] if expected else []), *bounds])
    return said or next((words for kind, words in _ALLOWED.items() if error["type"].startswith(kind)), None)


def _may_be_secret(error: Mapping[str, Any], place: Place) -> bool:
    """Whether what was sent must not come back: a secret, what holds one, what may be one under an unknown name."""
    loc = tuple(error["loc"])
    names = {str(part).lower() for part in loc} | set(_names_in(error.get("input")))
    if error["type"] == "extra_forbidden":
        return place.holds_secrets or not place.members or any(map(_looks_secret, {str(loc[-1]).lower(), *names}))
    return error["type"] == "missing" or loc == ("body",) or not names.isdisjoint(SECRETS)


def _looks_secret(name: str) -> bool:
    return (
        name in SECRETS or any(part in name for part in _SECRET_PARTS) or bool(get_close_matches(name, _LONG, 1, 0.75))
    )


def _names_in(value: object) -> Generator[str]:
    """Names of members, at any depth; bodies are limited in size and depth before they come here."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield str(name).lower()
            yield from _names_in(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _names_in(member)
