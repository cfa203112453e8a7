"""What is wrong with a configuration: file, key path, value, and what is allowed."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from edge_agent.quantities import duration_text, parse_duration_us

CREDENTIALS = re.compile(r"//[^/@\s]*@")
"""Who leaves a password in a URL must not find it in a log as well."""

_BOUNDS = {"greater_than_equal": ("ge", "not below"), "less_than_equal": ("le", "not above")}

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend before the agent can start."""

    file: str
    key: str
    value: str
    problem: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        return f"{where} = {self.value}: {self.problem}" if self.value else f"{where}: {self.problem}"

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return asdict(self)


class ConfigRefused(Exception):
    """The configuration has problems; nothing was started."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


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


def shown(value: object) -> str:
    """A value as a message shows it: short, and never a whole table."""
    if value is None or isinstance(value, dict):
        return ""
    text = CREDENTIALS.sub("//…@", repr(value))
    return text if len(text) <= 80 else f"{text[:77]}..."


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
