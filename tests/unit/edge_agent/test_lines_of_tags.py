"""One line of configuration may stand for several tags, and the device's keys bear on its points."""

from pathlib import Path

import pytest

from edge_agent.config_files import load
from edge_agent.config_problems import ConfigRefused

HEAD = """
[agent]
id = "gw-1"
[mqtt]
url = "mqtt://127.0.0.1:1883"
[[device]]
name = "press"
kind = "modbus"
url = "tcp://127.0.0.1:502"
"""


def paths_and_addresses(tmp_path: Path, text: str) -> dict[str, str]:
    file = tmp_path / "agent.toml"
    file.write_text(HEAD + text, encoding="utf-8")
    (device,) = load(file).devices
    return {tag.path: tag.point.address for tag in device.tags}


def test_arrays_and_bits_become_tags_below_the_name(tmp_path: Path):
    text = """
    [[device.tag]]
    name = "zone"
    address = "40101"
    type = "float32"
    count = 2
    [[device.tag]]
    name = "state"
    address = 40111
    bits = { "0" = "running", "4-6" = "mode" }
    [[device.tag]]
    name = "profile"
    address = "holding:200"
    count = 20
    array = "json"
    """
    assert paths_and_addresses(tmp_path, text) == {
        "press/zone/0": "holding:100",
        "press/zone/1": "holding:102",
        "press/state/running": "holding:110.0",
        "press/state/mode": "holding:110.4-6",
        "press/profile": "holding:200",
    }


def test_a_tag_list_has_bits_and_words_in_cells(tmp_path: Path):
    (tmp_path / "tags.csv").write_text(
        "name,address,count,bits,enum\nstate,40111,,0=running;4-6=mode,\nmode,40112,,,0=off;1=on\n", encoding="utf-8"
    )
    assert paths_and_addresses(tmp_path, 'tags_csv = "tags.csv"\n') == {
        "press/state/running": "holding:110.0",
        "press/state/mode": "holding:110.4-6",
        "press/mode": "holding:111",
    }


def test_addresses_count_as_the_device_says(tmp_path: Path):
    text = 'registers_from = 1\n[[device.tag]]\nname = "a"\naddress = "holding:1"\n'
    assert paths_and_addresses(tmp_path, text) == {"press/a": "holding:0"}


def test_every_problem_of_expanded_tags_is_told(tmp_path: Path):
    text = """
    [[device.tag]]
    name = "a/running"
    address = "coil:0"
    [[device.tag]]
    name = "a"
    address = "holding:0"
    bits = { "0" = "running" }
    """
    with pytest.raises(ConfigRefused, match="doubled tag") as caught:
        paths_and_addresses(tmp_path, text)
    assert len(caught.value.problems) == 1
