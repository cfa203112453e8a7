"""What is pinned is what is locked, with hashes and without any registry's address."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from requirements.lock import FOLDER, LOCKED, fits
from tests.contracts.tree import ROOT

PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s\\]+)")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
NAMES = ("demo", "dev")


def pins(text: str) -> dict[str, str]:
    """Versions by canonical names."""
    found = [PIN.match(line) for line in text.splitlines()]
    return {canonicalize_name(match[1]): match[2] for match in found if match}


@pytest.mark.parametrize("name", NAMES)
def test_locked_versions_are_the_pinned_ones(name: str):
    pinned = (FOLDER / f"{name}.txt").read_text()
    lines = [line for line in pinned.splitlines() if line and not line.startswith("#")]
    assert all(PIN.fullmatch(line) for line in lines), "a line is no exact version"
    assert len(pins(pinned)) == len(lines), "a package is pinned twice"
    assert pins((LOCKED / f"{name}.txt").read_text()) == pins(pinned), "run `make pins`"


@pytest.mark.parametrize("name", NAMES)
def test_every_locked_package_has_hashes_and_no_address(name: str):
    head, *lines = (LOCKED / f"{name}.txt").read_text().splitlines()
    assert head.startswith("#")
    assert not any("://" in line or "index" in line for line in lines if not PIN.match(line))
    for before, line in zip([*lines, ""], [*lines[1:], "", ""], strict=False):
        assert PIN.match(before) or HASH.fullmatch(before) or not before
        if PIN.match(before):
            assert HASH.fullmatch(line), before


def test_everything_that_the_project_names_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for name, wanted in (("demo", ("opcua", "modbus", "edge", "cloud", "demo")), ("dev", tuple(extras))):
        named = [*project["dependencies"], *(each for extra in wanted for each in extras[extra])]
        needed = {canonicalize_name(Requirement(each).name) for each in named} - {"millstream"}
        assert needed <= set(pins((LOCKED / f"{name}.txt").read_text())), name


def test_which_wheels_go_where():
    assert fits("numpy-2.4.6-cp312-cp312-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl", "312", "aarch64")
    assert not fits("numpy-2.4.6-cp312-cp312-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl", "312", "x86_64")
    assert not fits("numpy-2.4.6-cp314-cp314-manylinux_2_28_x86_64.whl", "313", "x86_64")
    assert not fits("numpy-2.4.6-cp313-cp313t-manylinux_2_28_x86_64.whl", "313", "x86_64")
    assert fits("cryptography-50.0.2-cp311-abi3-manylinux_2_34_x86_64.whl", "313", "x86_64")
    assert fits("rich-15.0.0-py3-none-any.whl", "311", "aarch64")
    assert not fits("x-1-cp311-cp311-win_amd64.whl", "311", "x86_64")
