"""One table and a list make many devices; what is an instance's own stays its own."""

from pathlib import Path

import pytest

from connectors.modbus.settings import ModbusSettings
from edge_agent.config import AgentConfig
from edge_agent.config_files import load
from edge_agent.config_problems import ConfigRefused

MAIN = '[agent]\nid = "g"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n'
PROFILE = """
kind = "modbus"
order = "CDAB"
[scan]
default = "1s"
slow = "1min"
[[tag]]
name = "flow"
address = "holding:0"
type = "float32"
unit = "m³/h"
[[tag]]
name = "total"
address = "holding:8"
type = "int32"
scan = "slow"
"""


def loaded(folder: Path, device: str, **files: str) -> AgentConfig:
    (folder / "own.toml").write_text(PROFILE)
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content)
    (folder / "agent.toml").write_text(f"{MAIN}[[device]]\n{device}\n")
    return load(folder / "agent.toml")


def problems(folder: Path, device: str, **files: str) -> list[str]:
    with pytest.raises(ConfigRefused) as refused:
        loaded(folder, device, **files)
    return [str(problem) for problem in refused.value.problems]


def test_tags_of_a_profile_are_laid_under_those_of_the_device(tmp_path: Path):
    config = loaded(
        tmp_path,
        """
name = "ufm"
url = "tcp://10.0.0.1:502"
profile = "own.toml"
without = ["tot*"]
order = "ABCD"
[device.scan]
slow = "5min"
[[device.tag]]
name = "flow"
unit = "l/h"
scale = 1000
[[device.tag]]
name = "extra"
address = "holding:20"
""",
    )
    (device,) = config.devices
    assert [tag.path for tag in device.tags] == ["ufm/flow", "ufm/extra"]
    assert device.tags[0].table.unit == "l/h"
    assert device.tags[0].table.scale == 1000
    assert isinstance(device.connector, ModbusSettings)
    assert device.connector.order == "ABCD"
    assert {name: scan.period for name, scan in device.table.scan.items()} == {
        "default": 1_000_000,
        "slow": 300_000_000,
    }


def test_three_hundred_devices_of_one_list(tmp_path: Path):
    rows = [f"line-{n % 10},tcp://10.0.{n // 100}.{n % 100 + 1}:502,{n % 7 + 1}" for n in range(300)]
    config = loaded(
        tmp_path,
        'name = "u-{number:3}"\npath = "plant/{line}/u-{number:3}"\nprofile = "own.toml"\ninstances_csv = "all.csv"',
        all="\n".join(["line,url,unit", *rows]),
    )
    assert len(config.devices) == 300
    assert len({tag.path for device in config.devices for tag in device.tags}) == 600
    last = config.devices[-1]
    assert last.name == "u-300"
    assert last.tags[0].path == "plant/line-9/u-300/flow"
    assert isinstance(last.connector, ModbusSettings)
    assert (last.connector.url, last.connector.unit) == ("tcp://10.0.2.100:502", 6)


def test_line_lays_its_own_keys_over_device_and_tags(tmp_path: Path):
    config = loaded(
        tmp_path,
        'profile = "own.toml"\ninstances_csv = "all.csv"\nurl = "tcp://{host}:502"\nunit = 9',
        all="name,host,unit,flow.scale,flow.unit,timeout\na,10.0.0.1,,,,\nb,10.0.0.2,3,0.5,l/s,2s\n",
    )
    first, second = config.devices
    assert isinstance(first.connector, ModbusSettings)
    assert isinstance(second.connector, ModbusSettings)
    assert (first.connector.unit, first.connector.timeout, first.tags[0].table.scale) == (9, 1.0, None)
    assert (second.connector.unit, second.connector.timeout) == (3, 2.0)
    assert (second.tags[0].table.scale, second.tags[0].table.unit) == (0.5, "l/s")
    assert second.connector.url == "tcp://10.0.0.2:502"


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ('name = "x"\nurl = "tcp://h"\nprofile = "eastron-sdm63"', "unknown profile; allowed: eastron-sdm630"),
        ('name = "x"\nurl = "tcp://h"\nprofile = "missing.toml"', "cannot be read"),
        ('name = "{lime}"\nprofile = "own.toml"\ninstances_csv = "all.csv"', "no such column in this line"),
        ('name = "{n}"\nurl = "tcp://h"\nprofile = "own.toml"\ninstances_csv = "bad.csv"', "line 3"),
        ('name = "{n}"\nurl = "tcp://h"\nprofile = "own.toml"\ninstances_csv = "odd.csv"', "there is no tag 'flaw'"),
        ('name = "{n}"\nurl = "tcp://h"\nprofile = "own.toml"\ninstances_csv = "stray.csv"', "unknown key"),
        ('name = "x"\nurl = "tcp://h"\nprofile = "own.toml"\n[[device.tag]]\nname = "new"', "address: is required"),
    ],
)
def test_what_is_wrong_is_named_where_it_stands(tmp_path: Path, device: str, said: str):
    files = {
        "all": "line,url\na,tcp://h\n",
        "bad": "n,unit\na,1\nb,999\n",
        "odd": "n,flaw.scale\na,2\n",
        "stray": "n,colour\na,red\n",
    }
    found = problems(tmp_path, device, **files)
    assert any(said in problem for problem in found), found
