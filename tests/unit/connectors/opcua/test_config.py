"""The device table and the tag table: data-driven cases, the sample, the plan."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.opcua import KIND
from connectors.opcua.config import OpcuaConfig, OpcuaPoint

FOLDER = Path(KIND.create.__code__.co_filename).parent
CASES = sorted(path for path in (FOLDER / "testcases").iterdir() if path.is_dir())
URL = "opc.tcp://10.0.0.20:4840"
OF_THE_AGENT = {"name", "path", "kind", "tag", "scan"}


def problems(device: dict[str, Any]) -> list[str]:
    """What is wrong with a device table, each with the key it concerns."""
    found: list[str] = []
    own = {key: value for key, value in device.items() if key not in OF_THE_AGENT}
    for model, table in ((KIND.config_model, own), *((KIND.point_model, _address(tag)) for tag in device["tag"])):
        try:
            model.model_validate(table)
        except ValidationError as error:
            found += [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return found


def _address(tag: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tag.items() if key not in {"name", "unit", "deadband", "scale"}}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path) -> None:
    device = tomllib.loads((case / "config.toml").read_text(encoding="utf-8"))["device"][0]
    refused = case / "error.txt"
    if refused.exists():
        assert "\n".join(problems(device)) + "\n" == refused.read_text(encoding="utf-8")
        return
    assert problems(device) == []
    own = {key: value for key, value in device.items() if key not in OF_THE_AGENT}
    points = [OpcuaPoint.model_validate(_address(tag)) for tag in device["tag"]]
    plan = KIND.describe_plan(OpcuaConfig.model_validate(own), points, [range(len(points))])
    expected = (case / "plan.txt").read_text(encoding="utf-8").splitlines()
    assert [f"{request.points}: {request.text}" for request in plan] == expected


def test_the_sample_loads() -> None:
    for device in tomllib.loads((FOLDER / "sample.toml").read_text(encoding="utf-8"))["device"]:
        assert problems(device) == []


def test_a_large_device_is_planned_in_pieces() -> None:
    points = [OpcuaPoint(node=f"i={number}") for number in range(2500)]
    config = OpcuaConfig(url=URL)
    assert [request.points for request in KIND.describe_plan(config, points, [])] == [0, 1000, 1000, 500]
    polled = OpcuaConfig.model_validate({"url": URL, "mode": "polled"})
    groups = [range(1200), range(1200, 2500)]
    assert [request.points for request in KIND.describe_plan(polled, points, groups)] == [1000, 200, 1000, 300]
    assert KIND.describe_plan(config, [], []) == []


def test_a_url_without_a_port_gets_the_usual_one() -> None:
    assert OpcuaConfig(url="opc.tcp://plc/server").url == "opc.tcp://plc:4840/server"
    assert OpcuaConfig(url="opc.tcp://plc:4841").url == "opc.tcp://plc:4841"


def test_a_thumbprint_is_taken_as_tools_show_it() -> None:
    shown = "0a:1b:2c:3d:4e:5f:60:71:82:93:a4:b5:c6:d7:e8:f9:0a:1b:2c:3d"
    config = {"url": URL, "security": "Basic256Sha256/Sign", "server_thumbprint": shown}
    assert OpcuaConfig.model_validate(config).server_thumbprint == shown.replace(":", "").upper()
