"""The pinned requirements hold what the extras ask for, exactly and within their ranges."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _pins(extra: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / f"{extra}.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def _asked(extra: str) -> list[Requirement]:
    found = [Requirement(text) for text in PROJECT["dependencies"]]
    for text in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.name == PROJECT["name"]:
            for other in requirement.extras:
                found += _asked(other)
        else:
            found.append(requirement)
    return found


@pytest.mark.parametrize("extra", ["demo", "dev"])
def test_every_direct_dependency_is_pinned_within_its_range(extra: str):
    pins = _pins(extra)
    outside = [
        str(requirement)
        for requirement in _asked(extra)
        if not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), "0"), prereleases=True)
    ]
    assert not outside


@pytest.mark.parametrize("extra", ["demo", "dev"])
def test_pins_are_versions_and_nothing_else(extra: str):
    lines = (ROOT / "requirements" / f"{extra}.txt").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!]*|", line)]


def test_tests_run_with_what_the_demonstration_installs():
    demo, dev = _pins("demo"), _pins("dev")
    assert {name: version for name, version in demo.items() if dev.get(name) != version} == {}
