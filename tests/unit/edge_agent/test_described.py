"""What a device says of its points fills what the configuration leaves open, and nothing else."""

from pathlib import Path

import pytest

from connectors.contract import PointDescription
from edge_agent.announcements import description_of
from edge_agent.config_files import load
from schemas.catalog import TagDescription
from schemas.sample import Kind

FILE = """
[agent]
id = "gw-1"
[mqtt]
url = "mqtt://127.0.0.1:1883"
[[device]]
name = "d"
kind = "simulated"
[[device.tag]]
name = "t"
signal = "sine"
"""
TOLD = PointDescription(Kind.F64, "bar", "Hydraulic pressure", 0.0, 250.0)


def described(folder: Path, *lines: str, told: PointDescription | None = TOLD) -> TagDescription:
    path = folder / "agent.toml"
    path.write_text("\n".join([FILE, *lines]))
    (device,) = load(path).devices
    return description_of(device, device.tags[0], told)


def test_device_fills_what_is_not_configured(tmp_path: Path) -> None:
    tag = described(tmp_path)
    assert (tag.kind, tag.unit, tag.description, tag.low, tag.high) == (
        *(Kind.F64, "bar", "Hydraulic pressure", 0.0, 250.0),
    )


def test_configuration_comes_first(tmp_path: Path) -> None:
    tag = described(tmp_path, 'unit = "MPa"', 'description = "Ours"', "low = 1")
    assert (tag.unit, tag.description, tag.low, tag.high) == ("MPa", "Ours", 1.0, None)


@pytest.mark.parametrize("line", ["scale = 0.1", 'enum = { 0 = "off" }'])
def test_numbers_that_are_changed_are_not_described_by_the_device(tmp_path: Path, line: str) -> None:
    tag = described(tmp_path, line)
    assert (tag.kind, tag.unit, tag.low, tag.high) == (None, None, None, None)
    assert tag.description == "Hydraulic pressure"


def test_a_device_that_says_nothing(tmp_path: Path) -> None:
    tag = described(tmp_path, told=None)
    assert (tag.kind, tag.unit, tag.description) == (None, None, None)
