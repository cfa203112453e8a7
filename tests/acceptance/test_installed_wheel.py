"""The wheel alone, in an environment of its own and far from the repository, runs the demonstration."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.acceptance.demo import Demo
from tests.fixtures.processes import REPOSITORY

OURS = ("millstream", "edge_agent", "cloud_api", "connectors", "schemas")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A fresh virtual environment with the wheel; its dependencies are those that the tests run with, by link."""
    (wheel,) = WheelBuilder(str(REPOSITORY)).build(directory=str(tmp_path / "dist"), versions=["standard"])
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(OURS) and not entry.name.startswith(("_millstream", "__")):
            (site / entry.name).symlink_to(entry)
    command = [sys.executable, "-m", "pip", "--python", home / "bin" / "python", "install", "--quiet"]
    subprocess.run(
        [*command, "--no-deps", "--no-index", wheel], check=True, env={**os.environ, "PIP_CONFIG_FILE": os.devnull}
    )
    return home


def test_installed_wheel_runs_the_demonstration(installed: Path, tmp_path: Path):
    demo = Demo(tmp_path / "data", command=[installed / "bin" / "millstream"]).wait_ready()
    try:
        assert demo.latest("**")
        assert all(str(REPOSITORY / room) not in line for room in OURS for line in demo.cloud.cmdline())
    finally:
        assert demo.stop() == 0
