"""Cases kept beside a connector: a configuration, a device, and what must come of it."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from connectors.contract import AnyKind, ReadResult
from schemas import status
from tests.contracts.tree import ROOT


@dataclass(frozen=True)
class Case:
    """One folder under testcases."""

    folder: Path

    @cached_property
    def device(self) -> dict[str, Any]:
        """What the device holds."""
        return tomllib.loads((self.folder / "device.toml").read_text(encoding="utf-8"))

    @cached_property
    def expected(self) -> list[dict[str, Any]]:
        """What must be read, line by line."""
        lines = (self.folder / "expected.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    @property
    def error(self) -> str:
        """How the configuration must be refused."""
        return (self.folder / "error.txt").read_text(encoding="utf-8").strip()

    def models(self, kind: AnyKind, **device: Any) -> tuple[Any, list[Any], str]:
        """The device's and the expanded tags' models, and every problem, one a line."""
        config = tomllib.loads((self.folder / "config.toml").read_text(encoding="utf-8"))
        tables: Sequence[tuple[str, type[BaseModel], Mapping[str, Any]]] = [
            ("device", kind.config_model, {**device, **config.get("device", {})}),
            *((f"tag[{index}]", kind.point_model, tag) for index, tag in enumerate(config["tag"])),
        ]
        made: list[Any] = []
        problems: list[str] = []
        for name, model, table in tables:
            try:
                made.append(model.model_validate(table, context=made[0] if made else None))
            except ValidationError as error:
                made.append(None)
                problems += [_sentence(name, dict(problem)) for problem in error.errors()]
        points = [part for point in made[1:] for _, part in ([("", None)] if point is None else kind.expand(point))]
        return made[0], points, "\n".join(problems)


def cases(kind: str, file: str) -> list[Any]:
    """The cases of a kind that have this file, named by their folder."""
    folders = sorted(path.parent for path in (ROOT / "connectors" / kind / "testcases").glob(f"*/{file}"))
    assert folders, f"connectors/{kind}/testcases has no case with {file}"
    return [Case(folder) for folder in folders]


def name(case: Case) -> str:
    """The folder's name, for pytest."""
    return case.folder.name


def lines(result: ReadResult) -> list[dict[str, Any]]:
    """A result as the lines of expected.jsonl, by tag."""
    rows = zip(result.points, result.kinds, result.values, result.statuses, strict=True)
    return [
        {"tag": point, "kind": kind.value, "value": value, "status": status.name(code)}
        for point, kind, value, code in sorted(rows, key=lambda row: row[0])
    ]


def _sentence(table: str, problem: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    return f"{table}{'.' if key else ''}{key}: {problem['msg']}"
