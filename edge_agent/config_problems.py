"""What is wrong with a configuration: file, key path, value, and what is allowed."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

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
        problems.extend(_problem(detail, str(at[0]), at[1], known) for detail in error.errors(include_url=False))
        return None


def shown(value: object) -> str:
    """A value as a message shows it: short, and never a whole table."""
    if value is None or isinstance(value, dict):
        return ""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


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
