"""The wheel holds the five packages with their SQL, TOML and schemas, and nothing of the tests."""

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.contracts.tree import PACKAGES, ROOT, files

SHIPPED_SUFFIXES = {".py", ".sql", ".toml", ".json"}
LEFT_OUT = {"testcases"}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_only_our_packages_are_at_the_root(names: set[str]) -> None:
    roots = {name.split("/")[0] for name in names}
    assert {root for root in roots if not root.endswith(".dist-info")} == set(PACKAGES)


def test_everything_that_runs_is_shipped(names: set[str]) -> None:
    expected = {
        str(path)
        for path in files()
        if path.parts[0] in PACKAGES and path.suffix in SHIPPED_SUFFIXES and not LEFT_OUT & set(path.parts)
    }
    assert expected - names == set()


def test_tests_and_device_cases_are_left_out(names: set[str]) -> None:
    assert not [name for name in names if LEFT_OUT & set(Path(name).parts) or Path(name).name.startswith("test_")]


def test_the_command_and_the_licence_are_in_it(names: set[str]) -> None:
    assert [name for name in names if name.endswith(".dist-info/entry_points.txt")]
    assert [name for name in names if name.endswith("LICENSE")]
