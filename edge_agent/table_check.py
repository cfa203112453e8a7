"""A table of a configuration held against its model; what is wrong with it, in the words of the file."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from edge_agent.config_problems import Problem, shown
from edge_agent.quantities import duration_text, parse_duration_us

_BOUNDS = {"greater_than_equal": ("ge", "not below"), "less_than_equal": ("le", "not above")}

ModelT = TypeVar("ModelT", bound=BaseModel)


def validate(
    model: type[ModelT],
    table: Mapping[str, Any],
    at: tuple[Path, str],
    problems: list[Problem],
    also: Iterable[str] = (),
    context: object = None,
) -> ModelT | None:
    """The model of the table at a file's key; its problems are added to the list.

    `also` are keys of the same table that are checked elsewhere, `context` is what its check may look at.
    """
    try:
        return model.model_validate(dict(table), context=context)
    except ValidationError as error:
        known = sorted({*model.model_fields, *also})
        where = (str(at[0]), at[1])
        details = error.errors(include_url=False)
        problems.extend(_bound(detail, table, model, where) or _problem(detail, *where, known) for detail in details)
        return None


def _bound(
    detail: ErrorDetails, table: Mapping[str, Any], model: type[BaseModel], where: tuple[str, str]
) -> Problem | None:
    """A duration outside its bounds, said in the words of the file rather than in microseconds."""
    if detail["type"] not in _BOUNDS or len(detail["loc"]) != 1:
        return None
    name = str(detail["loc"][0])
    found = model.model_fields.get(name)
    if found is None or not any(getattr(part, "func", None) is parse_duration_us for part in found.metadata):
        return None
    limit, words = _BOUNDS[detail["type"]]
    allowed = duration_text(detail.get("ctx", {})[limit])
    return Problem(where[0], f"{where[1]}.{name}", shown(table.get(name)), f'should be {words} "{allowed}"')


def _problem(detail: ErrorDetails, file: str, key: str, known: list[str]) -> Problem:
    path = ".".join([key, *(str(part) for part in detail["loc"])])
    if detail["type"] == "extra_forbidden":
        return Problem(file, path, shown(detail["input"]), _unknown(str(detail["loc"][-1]), known))
    if detail["type"] == "missing":
        return Problem(file, path, "", "is required")
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return Problem(file, path, shown(detail["input"]), message)


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"unknown key{hint}; allowed: {', '.join(known)}"
