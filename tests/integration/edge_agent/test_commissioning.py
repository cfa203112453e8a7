"""Reading, browsing and writing for an engineer, at the plant's own servers."""

import asyncio
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.checking import check
from edge_agent.commissioning.commands import BrowseOptions, ProbeOptions, browse_device, init, probe, read, write
from millstream.demo.agent_config import agent_config
from tests.fixtures.processes import Processes, find_free_port
from tests.integration.connectors.modbus.servers import Image, pymodbus_server

GOLDEN = Path(__file__).parents[2] / "unit" / "edge_agent" / "profiles" / "golden.toml"
HALL = "hangzhou/moulding/hall-1"
SETPOINT = f"{HALL}/cooling-water/supply/setpoint"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The plant's urls."""
    folder = tmp_path_factory.mktemp("plant")
    made = Processes(folder)
    child = made.millstream("plant", "--seed", "3").start().wait_for_text('"modbus"')
    yield json.loads(next(line for line in child.text().splitlines() if line.startswith("{")))
    made.close()


@pytest.fixture
def config(plant: dict[str, str], tmp_path: Path) -> Path:
    text = agent_config("mqtt://127.0.0.1:1", plant["opcua"], plant["modbus"], tmp_path / "outbox.db")
    marked = 'name = "supply/setpoint"\nwritable = true\nstep = 0.25'
    assert 'name = "supply/setpoint"' in text
    path = tmp_path / "agent.toml"
    path.write_text(text.replace('name = "supply/setpoint"', marked))
    return path


def test_every_tag_is_read_once_in_the_order_of_the_file(config: Path, capsys: pytest.CaptureFixture[str]):
    assert read(config, [], as_json=True) == 0
    readings = json.loads(capsys.readouterr().out)
    tables = tomllib.loads(config.read_text())["device"]
    named = [f"{device.get('path', device['name'])}/{tag['name']}" for device in tables for tag in device["tag"]]
    assert [reading["path"] for reading in readings] == named
    assert set(readings[0]) == {"path", "value", "status", "quality", "source_time"}
    assert {reading["status"] for reading in readings} == {"Good"}
    assert type(next(r["value"] for r in readings if r["path"].endswith("pump/enable"))) is bool
    assert all(reading["source_time"].endswith("Z") for reading in readings)


def test_text_shows_the_registers_beside_the_value(config: Path, capsys: pytest.CaptureFixture[str]):
    assert read(config, ["**/pump/hours", SETPOINT], as_json=False) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["PATH", "VALUE", "STATUS", "RAW", "TIME"]
    assert [line.split()[0].rpartition("/")[2] for line in lines] == ["setpoint", "hours"]
    value, unit, status_name, high, low = lines[1].split()[1:6]
    assert (unit, status_name) == ("h", "Good")
    assert int(low + high, 16) == int(value)  # CDAB: the low word comes first


def test_device_that_is_not_there_makes_its_tags_bad(config: Path, capsys: pytest.CaptureFixture[str]):
    gone = f"tcp://127.0.0.1:{find_free_port()}"
    text = config.read_text()
    url = tomllib.loads(text)["device"][1]["url"]
    config.write_text(text.replace(url, gone))
    assert read(config, [SETPOINT, f"{HALL}/imm-1/power"], as_json=True) == 1
    shown = capsys.readouterr()
    qualities = {reading["path"]: reading["quality"] for reading in json.loads(shown.out)}
    assert qualities == {SETPOINT: "bad", f"{HALL}/imm-1/power": "good"}
    assert "cannot be reached" in shown.err


def test_name_that_is_no_tag_is_bad_usage(config: Path, capsys: pytest.CaptureFixture[str]):
    assert read(config, [f"{HALL}/imm-1/powr"], as_json=True) == 2
    assert f"{HALL}/imm-1/power" in capsys.readouterr().err


def test_writable_tag_is_written_and_read_back(config: Path, capsys: pytest.CaptureFixture[str]):
    assert write(config, SETPOINT, "3.75") == 0
    assert "-> 3.75" in capsys.readouterr().out
    assert read(config, [SETPOINT], as_json=True) == 0
    assert json.loads(capsys.readouterr().out)[0]["value"] == 3.75


@pytest.mark.parametrize(
    ("tag", "value", "said"),
    [
        (SETPOINT, "3.8", "between two steps"),
        (SETPOINT, "4.75", "allowed: 0 to 4.5"),
        (SETPOINT, "-0.25", "allowed: 0 to 4.5"),
        (SETPOINT, "warm", "not a number"),
        (SETPOINT, "nan", "not a number"),
        (f"{HALL}/cooling-water/pump/enable", "true", "read-only"),
    ],
)
def test_refused_write_says_why_and_changes_nothing(
    config: Path, capsys: pytest.CaptureFixture[str], tag: str, value: str, said: str
):
    assert read(config, [tag], as_json=True) == 0
    before = json.loads(capsys.readouterr().out)[0]["value"]
    assert write(config, tag, value) == 1
    assert said in capsys.readouterr().err
    assert read(config, [tag], as_json=True) == 0
    assert json.loads(capsys.readouterr().out)[0]["value"] == before


@pytest.mark.parametrize("name", ["list.toml", "devices.d/list.toml"])
def test_browsed_list_passes_the_check_and_reads_good(
    plant: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
):
    path = tmp_path / name
    asked = BrowseOptions(plant["opcua"], ["mode=polled", "timeout=9s"], "imm-*/zone-*/**", write=path)
    assert browse_device(asked) == 0
    assert tomllib.loads(path.read_text())["device"][0]["mode"] == "polled"
    main = path
    if name != "list.toml":
        main = tmp_path / "agent.toml"
        main.write_text('[agent]\nid = "g"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n')
    assert check(main, as_json=True) == 0
    capsys.readouterr()
    assert read(main, [], as_json=True) == 0
    assert len(json.loads(capsys.readouterr().out)) == 24


def test_browsed_csv_serves_as_the_tag_list_of_a_device(
    plant: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert browse_device(BrowseOptions(plant["opcua"], match="**/oil/*", write=tmp_path / "tags.csv")) == 0
    main = tmp_path / "agent.toml"
    device = f'[[device]]\nname = "hall"\nkind = "opcua"\nurl = "{plant["opcua"]}"\ntags_csv = "tags.csv"\n'
    main.write_text(f'[agent]\nid = "g"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n{device}')
    capsys.readouterr()
    assert read(main, [], as_json=True) == 0
    assert [reading["path"] for reading in json.loads(capsys.readouterr().out)] == [
        "hall/imm-1/oil/temperature",
        "hall/imm-2/oil/temperature",
    ]


def test_tree_shows_types_values_and_units(plant: dict[str, str], capsys: pytest.CaptureFixture[str]):
    assert browse_device(BrowseOptions(plant["opcua"], match="imm-1/oil/*")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["imm-1/", "  oil/"]
    assert lines[2].startswith("    temperature  f64  ")
    assert "°C" in lines[2]


def test_drift_names_what_is_new_gone_and_changed(
    plant: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "list.toml"
    asked = BrowseOptions(plant["opcua"], match="imm-1/zone-1/*", write=path)
    assert browse_device(asked) == 0
    again = BrowseOptions(plant["opcua"], match="imm-1/zone-1/*", drift=path)
    assert browse_device(again) == 0
    text = path.read_text().replace("zone-1.output", "zone-1.outlet")
    path.write_text(text.replace('unit = "°C"', 'unit = "°F"', 1))
    capsys.readouterr()
    assert browse_device(again) == 1
    signs = sorted(line[0] for line in capsys.readouterr().out.splitlines())
    assert signs == ["+", "-", "~"]


def test_list_that_exists_is_not_overwritten(plant: dict[str, str], tmp_path: Path):
    path = tmp_path / "list.toml"
    path.write_text("mine")
    assert browse_device(BrowseOptions(plant["opcua"], write=path)) == 1
    assert path.read_text() == "mine"


def test_starter_passes_the_check_and_reads_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "agent.toml"
    assert init(path) == 0
    assert check(path, as_json=False) == 0
    capsys.readouterr()
    assert read(path, [], as_json=True) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1
    before = path.read_text()
    assert init(path) == 1
    assert path.read_text() == before


def test_profile_reads_the_meter_that_it_describes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    golden = tomllib.loads(GOLDEN.read_text())["eastron-sdm630"]
    inputs = bytearray(800)
    for address, words in golden["registers"].items():
        content = bytes.fromhex(words)
        first = 2 * int(address.removeprefix("input:"))
        inputs[first : first + len(content)] = content
    path = tmp_path / "agent.toml"

    async def at_the_meter() -> int:
        async with pymodbus_server(Image(input=bytes(inputs)), "tcp") as place:
            device = f'[[device]]\nname = "m"\nurl = "tcp://{place}"\nprofile = "eastron-sdm630"\n'
            path.write_text(f'[agent]\nid = "g"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n{device}')
            return await asyncio.to_thread(read, path, [], True)

    assert asyncio.run(at_the_meter()) == 0
    readings = {reading["path"]: reading["value"] for reading in json.loads(capsys.readouterr().out)}
    assert readings == {f"m/{name}": pytest.approx(value) for name, value in golden["expected"].items()}


def test_panel_value_finds_the_register_and_the_line_for_it(
    plant: dict[str, str], config: Path, capsys: pytest.CaptureFixture[str]
):
    def moved(value: str) -> str:
        assert write(config, SETPOINT, value) == 0
        return value

    options = ProbeOptions("modbus", plant["modbus"], "0-20", ["unit=1"], moved("3.75"), "supply/setpoint")
    assert probe(options, (moved(value) for value in ("2.25", "4.25"))) == 0
    shown = capsys.readouterr().out
    table = tomllib.loads(shown[shown.rindex("[[device.tag]]") :])["device"]["tag"][0]
    assert table == {"name": "supply/setpoint", "address": "holding:0", "type": "float32", "order": "CDAB"}


def test_interpretations_stand_side_by_side(plant: dict[str, str], capsys: pytest.CaptureFixture[str]):
    options = ProbeOptions("modbus", plant["modbus"], "input:0-400", ["unit=1"])
    assert probe(options) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert {"ADDRESS", "RAW", "uint16", "int16", "float32"} <= set(header.split())
    assert rows[0].startswith("input:0 ")
    assert probe(ProbeOptions("modbus", plant["modbus"], "9000-9004", ["unit=1"])) == 1
    assert probe(ProbeOptions("opcua", plant["opcua"], "0-1")) == 2


def test_command_is_quiet_in_a_pipe_and_says_the_outcome_by_its_exit_code(
    plant: dict[str, str], config: Path, processes: Processes
):
    port = plant["modbus"].rpartition(":")[2]
    found = processes.millstream("edge", "scan", "127.0.0.1", "--port", f"modbus:{port}", "--json").start()
    assert found.wait() == 0
    assert json.loads(found.text().splitlines()[0])[0]["url"] == f"tcp://127.0.0.1:{port}"
    nothing = processes.millstream("edge", "scan", "127.0.0.2", "--port", f"{find_free_port()}").start()
    assert nothing.wait() == 1
    refused = processes.millstream("edge", "write", "-c", config, SETPOINT, "-3").start()
    assert refused.wait() == 1
    assert "allowed: 0 to 4.5" in refused.text()
    assert "\x1b" not in found.text() + nothing.text() + refused.text()
