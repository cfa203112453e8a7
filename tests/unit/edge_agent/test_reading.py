"""A configuration read by a process of its own is the one that is read here, and what checks it stays there."""

import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
from pydantic import BaseModel

from connectors import registry
from connectors.modbus.config import ModbusConfig
from connectors.modbus.decode import WordType
from connectors.modbus.place import ModbusPlace
from connectors.modbus.point import ModbusPoint
from connectors.modbus.settings import ModbusSettings
from edge_agent import config, tables
from edge_agent.config_files import load
from edge_agent.config_problems import ConfigRefused
from edge_agent.reading import Reading, ReadingFailed, read

WHOLE = """
[agent]
id = "gw"
pause = "7s"
[mqtt]
url = "mqtt://127.0.0.1:1"
[[device]]
name = "meter"
kind = "modbus"
url = "tcp://127.0.0.1:2"
registers_from = 1
[device.scan]
fast = "100ms"
[[device.tag]]
name = "power"
address = "holding:11"
type = "float32"
scan = "fast"
[[device.tag]]
name = "state"
address = "40002"
bits = { "0" = "on", "4-6" = "mode" }
[[device]]
name = "toy"
kind = "simulated"
[[device.tag]]
name = "wave"
signal = "sine"
"""
OPCUA = """
[[device]]
name = "cell"
kind = "opcua"
url = "opc.tcp://127.0.0.1:3"
security = "None"
[[device.tag]]
name = "speed"
node = "nsu=urn:cell;s=speed"
"""
WHAT_A_MODBUS_AGENT_LOADS = """
import sys
import edge_agent.__main__, edge_agent.agent
from connectors import registry
registry.kind("modbus")
print(*{name.partition(".")[0] for name in sys.modules})
"""
CHECKED: list[tuple[type[BaseModel], type]] = [
    (tables.CheckedAgent, config.AgentTable),
    (tables.CheckedMqtt, config.MqttTable),
    (tables.CheckedOutbox, config.OutboxTable),
    (tables.CheckedBatch, config.BatchTable),
    (tables.CheckedRecorder, config.RecorderTable),
    (tables.CheckedScan, config.ScanTable),
    (tables.CheckedTag, config.TagTable),
    (ModbusConfig, ModbusSettings),
    (ModbusPoint, ModbusPlace),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(WHOLE)
    return path


def test_is_the_configuration_that_would_be_read_here(file: Path) -> None:
    file.write_text(WHOLE + OPCUA)
    found = read(file)
    assert found == load(file)
    assert [device.kind for device in found.devices] == [
        registry.kind(name) for name in ("modbus", "simulated", "opcua")
    ]
    assert found.devices[0].tags[0].point == ModbusPlace("holding:10", WordType.FLOAT32)
    assert type(found.devices[0].connector) is ModbusSettings


def test_tags_that_say_the_same_share_one_table(file: Path) -> None:
    file.write_text(WHOLE + '[[device.tag]]\nname = "other"\nsignal = "sine"\n')
    one, other = read(file).devices[1].tags
    assert one.table is other.table


def test_problems_are_told_in_the_same_words(file: Path) -> None:
    file.write_text(WHOLE.replace('type = "float32"', 'type = "float31"').replace('"7s"', "7"))
    with pytest.raises(ConfigRefused) as here:
        load(file)
    with pytest.raises(ConfigRefused) as there:
        read(file)
    assert there.value.problems == here.value.problems
    assert len(there.value.problems) == 2


def test_a_reader_that_ends_without_an_answer_is_a_failure_of_its_own(file: Path) -> None:
    with Reading(file) as reading:
        reading._process.kill()
        with pytest.raises(ReadingFailed, match="-9"):
            reading.result()


def test_a_modbus_agent_loads_neither_what_checks_nor_what_it_does_not_read() -> None:
    command = [sys.executable, "-c", WHAT_A_MODBUS_AGENT_LOADS]
    loaded = set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    assert {"pymodbus", "paho", "sqlite3"} <= loaded
    assert not loaded & {"pydantic", "asyncua", "numpy", "cryptography", "typer", "rich", "zipfile"}


@pytest.mark.parametrize(("model", "made"), CHECKED, ids=[made.__name__ for _, made in CHECKED])
def test_what_is_handed_on_says_what_its_model_says(model: type[BaseModel], made: type) -> None:
    handed = {each.name: ... if each.default is MISSING else each.default for each in fields(made)}
    checked = {
        name: ... if each.is_required() else each.get_default(call_default_factory=True)
        for name, each in model.model_fields.items()
    }
    assert handed == checked
