"""Every connector folder has the same files, a complete scorecard, a sample that loads and a README that shows it."""

import importlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from connectors import registry
from connectors.contract import ConnectorKind
from tests.contracts.tree import ROOT

FOLDERS = sorted(path.parent for path in (ROOT / "connectors").glob("*/__init__.py"))
FILES = {"__init__.py", "config.py", "connector.py", "README.md", "sample.toml", "scorecard.toml"}
FIRST_RULES = ("config_described", "errors_mapped", "reconnect_tested", "bad_on_loss", "timestamps_stated")
RULES = (
    *FIRST_RULES,
    "read_time_bounded",
    "load_stated",
    "tested_devices_listed",
    "conformance_passes",
    "refusal_case",
)

pytestmark = pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])


def scorecard(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "scorecard.toml").read_text(encoding="utf-8"))


def test_has_the_files_of_every_connector(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} >= FILES


def test_exports_its_kind_under_its_own_name(folder: Path) -> None:
    kind = importlib.import_module(f"connectors.{folder.name}").KIND
    assert isinstance(kind, ConnectorKind)
    assert kind.name == folder.name
    assert registry.kind(folder.name) is kind


def test_every_configuration_field_is_described(folder: Path) -> None:
    kind = registry.kind(folder.name)
    silent = [
        f"{model.__name__}.{name}"
        for model in (kind.config_model, kind.point_model)
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert not silent


def test_scorecard_is_complete(folder: Path) -> None:
    card = scorecard(folder)
    assert card["level"] in {"experimental", "stable"}
    assert set(card["rules"]) == set(RULES)
    needed = RULES if card["level"] == "stable" else FIRST_RULES
    assert not [rule for rule in needed if card["rules"][rule]["state"] == "todo"]


def test_scorecard_is_proved(folder: Path) -> None:
    for rule, entry in scorecard(folder)["rules"].items():
        assert entry["state"] in {"done", "todo", "exempt"}, rule
        if entry["state"] == "done":
            assert (ROOT / entry["proof"].partition("::")[0]).exists(), rule
        else:
            assert len(entry["why"].split()) >= 3, rule


def test_readme_shows_the_sample(folder: Path) -> None:
    sample = (folder / "sample.toml").read_text(encoding="utf-8").strip()
    assert f"```toml\n{sample}\n```" in (folder / "README.md").read_text(encoding="utf-8")


def test_has_a_case_that_is_refused(folder: Path) -> None:
    cases = [path for path in (folder / "testcases").iterdir() if path.is_dir()]
    assert cases
    assert any((case / "error.txt").exists() for case in cases)
