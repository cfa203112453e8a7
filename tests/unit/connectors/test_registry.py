"""Kinds are found by name, imported only then, and a missing library is named with its remedy."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from connectors import registry
from connectors.contract import ConnectorKind
from connectors.errors import ConfigInvalid


def test_lists_the_folders_without_importing_them():
    program = (
        "import sys; from connectors import registry; print(','.join(registry.kinds()));"
        "sys.exit(any(name.startswith('connectors.') and name.count('.') == 1 and hasattr(module, 'KIND')"
        " for name, module in sys.modules.items()) or 'pymodbus' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {"modbus", "opcua", "simulated"} <= set(done.stdout.strip().split(","))


@pytest.mark.parametrize("name", ["modbus", "simulated"])
def test_finds_a_kind_by_name(name: str):
    found = registry.kind(name)
    assert isinstance(found, ConnectorKind)
    assert found.name == name


@pytest.mark.parametrize("name", ["profinet", "contract", "registry", "", "modbus.config", "../modbus"])
def test_names_the_known_kinds_when_asked_for_another(name: str):
    with pytest.raises(ConfigInvalid, match=r"is unknown; allowed: .*modbus, opcua, simulated") as caught:
        registry.kind(name)
    assert repr(name) in str(caught.value)


def test_finds_a_kind_of_another_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path, monkeypatch, "modbus_plus = connectors.modbus:KIND")
    assert "modbus_plus" in registry.kinds()
    assert registry.kind("modbus_plus") is registry.kind("modbus")


def test_names_the_extra_of_a_missing_library(monkeypatch: pytest.MonkeyPatch):
    outside = EntryPoint("profinet", "no_such_library.profinet", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "_folders", lambda: {"profinet"})
    monkeypatch.setattr(registry, "_entry_points", lambda: {"profinet": outside})
    monkeypatch.setattr(registry, "import_module", _fail("asyncua"))
    with pytest.raises(ConfigInvalid, match=r"needs the library 'asyncua'.*pip install 'millstream\[profinet\]'"):
        registry.kind("profinet")


def test_does_not_hide_a_defect_of_a_connector_as_a_missing_library(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry, "_folders", lambda: {"profinet"})
    monkeypatch.setattr(registry, "import_module", _fail("connectors.profinet.misspelt"))
    with pytest.raises(ImportError, match="misspelt"):
        registry.kind("profinet")


def test_refuses_an_entry_point_that_is_no_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path, monkeypatch, "odd = connectors.errors:ConfigInvalid")
    with pytest.raises(ConfigInvalid, match="is not a ConnectorKind"):
        registry.kind("odd")


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, entry_point: str) -> None:
    """Put a distribution with that entry point where this process finds distributions."""
    about = folder / "foreign-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(f"[{registry.ENTRY_POINT_GROUP}]\n{entry_point}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(folder)


def _fail(missing: str) -> Callable[[str], object]:
    def load(module: str) -> object:
        raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    return load
