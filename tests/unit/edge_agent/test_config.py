"""Configurations that are taken, and all the problems of those that are not, at once and in the words of the file."""

import json
from pathlib import Path

import pytest

from edge_agent.checking import check
from edge_agent.config import Clamp, WhenFull
from edge_agent.config_files import PASSWORD_VARIABLE, load
from edge_agent.config_problems import ConfigRefused

CASES = Path(__file__).with_name("configurations")


def cases(kind: str) -> list[str]:
    return sorted(path.name for path in (CASES / kind).iterdir())


def ours(problem: str) -> str:
    """Without the list of what a connector allows: that is for its own tests to say."""
    return problem.partition("; allowed: ")[0] if ": device[" in problem or ": line " in problem else problem


@pytest.mark.parametrize("case", cases("bad"))
def test_every_problem_is_told_at_once(case: str) -> None:
    folder = CASES / "bad" / case
    with pytest.raises(ConfigRefused) as refused:
        load(folder / "agent.toml")
    told = [ours(str(problem).replace(f"{folder}/", "")) for problem in refused.value.problems]
    assert told == (folder / "problems.txt").read_text().splitlines()


@pytest.mark.parametrize("case", cases("good"))
def test_good_configuration_is_taken(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = CASES / "good" / case / "agent.toml"
    assert check(file, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["revision"] == load(file).revision
    assert [device["name"] for device in said["devices"]] == [device.name for device in load(file).devices]


def test_every_key_arrives() -> None:
    folder = CASES / "good" / "whole"
    config = load(folder / "agent.toml")
    assert config.password == "secret"
    assert config.outbox.path == folder.absolute() / "state" / "outbox.db"
    assert (config.outbox.max_bytes, config.outbox.when_full) == (3 << 29, WhenFull.REFUSE_NEWEST)
    assert config.mqtt.ca_file == folder.absolute() / "ca.pem"
    assert config.mqtt.retry_max == 120_000_000
    press, cell = config.devices
    assert [tag.path.removeprefix("hangzhou/press-shop/line-1/press-03/") for tag in press.tags] == [
        "motor/current", "state", "油压", "oil/level",
    ]  # fmt: skip
    assert press.groups() == {"fast": (0,), "default": (1, 3), "slow": (2,)}
    assert press.table.scan["slow"].phase == 7_000_000
    current = press.tags[0].table
    assert (current.scale, current.offset, current.clamp, current.deadband_width) == (0.1, -4, Clamp.LIMIT, 1.0)
    assert press.tags[1].table.enum == {0: "stopped", 1: "running"}
    assert press.tags[2].table.deadband_width == 0.5
    assert cell.tags[0].path == "cell-1/a"
    assert {file.name for file in config.files} == {"agent.toml", "cell.toml", "press.csv"}


def test_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "from the environment")
    assert load(CASES / "good" / "small" / "agent.toml").password == "from the environment"


def test_scan_class_default_is_there_beside_others(tmp_path: Path) -> None:
    text = (CASES / "good" / "small" / "agent.toml").read_text()
    (tmp_path / "agent.toml").write_text(text.replace("[[device.tag]]", '[device.scan]\nfast = "1ms"\n[[device.tag]]'))
    (device,) = load(tmp_path / "agent.toml").devices
    assert device.table.scan["default"].period == 1_000_000


def test_revision_changes_with_any_file(tmp_path: Path) -> None:
    text = (CASES / "good" / "small" / "agent.toml").read_text()
    (tmp_path / "agent.toml").write_text(text)
    first = load(tmp_path / "agent.toml").revision
    assert load(tmp_path / "agent.toml").revision == first
    (tmp_path / "agent.toml").write_text(text + "# a remark\n")
    assert load(tmp_path / "agent.toml").revision != first


def test_problems_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(CASES / "bad" / "missing" / "agent.toml", as_json=True) == 2
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert problems[0] | {"file": ""} == {"file": "", "key": "agent.id", "value": "", "problem": "is required"}


def test_credentials_in_a_url_are_not_repeated() -> None:
    with pytest.raises(ConfigRefused) as refused:
        load(CASES / "bad" / "secrets" / "agent.toml")
    assert "hunter2" not in str(refused.value)


def test_examples_that_are_shipped_are_taken(capsys: pytest.CaptureFixture[str]) -> None:
    examples = Path(__file__).parents[3] / "deploy" / "examples"
    assert check(examples / "agent.toml", as_json=False) == 0
    said = capsys.readouterr().out
    for words in ("press-03 (modbus): 5 tag(s)", "cell-1 (opcua): 1 tag(s)", "meter-1 (modbus): 1 tag(s)"):
        assert words in said


def test_tags_that_say_the_same_share_one_table(tmp_path: Path) -> None:
    """Ten thousand tags are in memory for years; what they say beside their names they mostly say alike."""
    head = '[agent]\nid = "a"\n[mqtt]\nurl = "mqtt://localhost:1883"\n[[device]]\nname = "d"\nkind = "modbus"\n'
    head += 'url = "tcp://127.0.0.1:5020"\n'
    tag = '[[device.tag]]\nname = "{}"\naddress = "holding:{}"\ntype = "int16"\n{}\n'
    others = ["", "", "scale = 1", "scale = 1.0", 'unit = "A"', 'unit = "A"']
    tags = [tag.format(f"t{at}", at, other) for at, other in enumerate(others)]
    file = tmp_path / "agent.toml"
    file.write_text(head + "".join(tags))
    tables = [each.table for each in load(file).devices[0].tags]
    assert [each.path for each in load(file).devices[0].tags] == [f"d/t{at}" for at in range(6)]
    assert tables[0] is tables[1]
    assert tables[4] is tables[5]
    assert [table.scale for table in tables] == [None, None, 1.0, 1.0, None, None]
    assert [table.unit for table in tables] == [None, None, None, None, "A", "A"]
    file.write_text(head + tags[0] + tag.format("t1", 1, "").replace('"t1"', "7") + tags[0])
    with pytest.raises(ConfigRefused) as refused:
        load(file)
    told = [str(problem) for problem in refused.value.problems]
    assert any("name" in problem and "string" in problem for problem in told)
