"""The published JSON Schemas are those of the code, and a reader that is not ours takes our golden messages by them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.contracts.json_schemas import FOLDER, documents
from tests.contracts.tree import ROOT

GOLDEN = ROOT / "tests" / "unit" / "schemas" / "golden"
MESSAGES = {"ack", "status", "health", "catalog"}
CASES = [(path, path.stem if path.stem in MESSAGES else "batch") for path in sorted(GOLDEN.glob("*.json"))]


def validator(name: str) -> Any:
    schema = json.loads((FOLDER / f"{name}.v1.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_schemas_are_current() -> None:
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert on_disk == documents(), "run: python -m tests.contracts.json_schemas"


@pytest.mark.parametrize(("path", "name"), CASES, ids=[path.stem for path, _ in CASES])
def test_golden_messages_are_valid(path: Path, name: str) -> None:
    validator(name).validate(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"epoch": "short"}, {"seq": 0}, {"more": 1}, {"cols": [{"k": "f16", "i": [], "t": []}]}, {"cols": None}],
)
def test_a_wrong_batch_is_not_valid(change: dict[str, Any]) -> None:
    batch = json.loads((GOLDEN / "minimal.json").read_text(encoding="utf-8")) | change
    with pytest.raises(jsonschema.ValidationError):
        validator("batch").validate(batch)
