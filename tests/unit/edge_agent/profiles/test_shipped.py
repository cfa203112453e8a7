"""Every shipped profile: where it is from, that it can be used, and what it makes of a register dump."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from connectors.modbus.decode import register_decoder
from connectors.modbus.place import ModbusPlace
from connectors.modbus.settings import ModbusSettings
from edge_agent.config import DeviceConfig
from edge_agent.config_files import load
from edge_agent.pipeline import scaling_of
from edge_agent.profiles.templates import shipped_file, shipped_names

GOLDEN: dict[str, Any] = tomllib.loads(Path(__file__).with_name("golden.toml").read_text())
PUBLISHED: dict[str, Any] = tomllib.loads(Path(__file__).with_name("published.toml").read_text())
MAIN = '[agent]\nid = "g"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n'


def device_of(profile: str, folder: Path) -> DeviceConfig:
    path = folder / "agent.toml"
    path.write_text(f'{MAIN}[[device]]\nname = "d"\nurl = "tcp://127.0.0.1:502"\nprofile = "{profile}"\n')
    (device,) = load(path).devices
    return device


def registers_of(dump: dict[str, str]) -> dict[tuple[str, int], bytes]:
    found: dict[tuple[str, int], bytes] = {}
    for address, text in dump.items():
        area, _, first = address.partition(":")
        for place, word in enumerate(text.split()):
            found[area, int(first) + place] = bytes.fromhex(word)
    return found


def test_six_or_more_are_shipped_each_with_a_dump():
    assert len(shipped_names()) >= 6
    assert set(shipped_names()) == set(GOLDEN)


def test_documentation_lists_them_all():
    page = (Path(__file__).parents[4] / "docs" / "commissioning.md").read_text()
    assert [name for name in shipped_names() if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("name", shipped_names())
def test_source_is_named(name: str):
    file = shipped_file(name)
    assert file is not None
    about = tomllib.loads(file.read_text())["profile"]
    assert about["title"]
    assert all(len(source) > 20 for source in about["source"])


@pytest.mark.parametrize("name", shipped_names())
def test_each_tag_is_at_the_register_that_its_maker_publishes(name: str):
    file = shipped_file(name)
    assert file is not None
    published = PUBLISHED[name]
    assert len(published["source"]) > 40
    tags = {tag["name"]: tag["address"] for tag in tomllib.loads(file.read_text())["tag"]}
    wire = {tag: int(address.partition(":")[2].partition(".")[0]) for tag, address in tags.items()}
    assert wire == {tag: number - published["first"] for tag, number in published["registers"].items()}


@pytest.mark.parametrize("name", shipped_names())
def test_dump_decodes_to_the_expected_values_of_all_tags(name: str, tmp_path: Path):
    device = device_of(name, tmp_path)
    registers = registers_of(GOLDEN[name]["registers"])
    decoded: dict[str, object] = {}
    for tag in device.tags:
        assert isinstance(tag.point, ModbusPlace)
        assert isinstance(device.connector, ModbusSettings)
        span = tag.point.span
        content = b"".join(registers[str(span.area), span.first + place] for place in range(span.count))
        field = tag.point.field(device.connector.order)
        (raw,) = register_decoder([(0, field)]).values(content)
        scaling = scaling_of(tag.table)
        decoded[tag.path.removeprefix("d/")] = raw if scaling.is_identity else scaling.apply(field.kind, raw, 0)[1]
    expected: dict[str, object] = GOLDEN[name]["expected"]
    assert decoded.keys() == expected.keys()
    for path, value in expected.items():
        wanted = pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
        assert decoded[path] == wanted, path
        assert type(decoded[path]) is type(value), path
