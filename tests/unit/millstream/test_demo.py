"""The pieces of the demonstration that need no process: configuration, layout, what the screen shows."""

import fcntl
import os
import tomllib
from pathlib import Path

import pytest

from edge_agent.config_files import load
from millstream.demo.agent_config import HALL, agent_config
from millstream.demo.broker import broker_config
from millstream.demo.child import LOG_BYTES, bound_log, last_lines
from millstream.demo.database import Database
from millstream.demo.layout import AlreadyRunning, DataUnusable, Layout, open_layout, write_private
from millstream.demo.screen import padded
from millstream.plant.tags import modbus_devices, opcua_tags


def test_agent_takes_its_configuration(tmp_path: Path):
    file = tmp_path / "agent.toml"
    content = agent_config(
        "mqtt://127.0.0.1:1883", "opc.tcp://127.0.0.1:4840/plant", "tcp://127.0.0.1:502", tmp_path / 'out "box.db'
    )
    file.write_text(content, encoding="utf-8")
    config = load(file)
    paths = [tag.path for device in config.devices for tag in device.tags]
    assert len(paths) == len(set(paths)) == len(opcua_tags()) + sum(len(d.registers) for d in modbus_devices())
    assert all(path.startswith(HALL + "/") for path in paths)
    assert config.outbox.path == tmp_path / 'out "box.db'


def test_broker_listens_on_loopback_alone_and_speaks_mqtt_5():
    config = tomllib.loads(broker_config(1883))
    assert "v4" not in config
    assert config["v5"]["1"]["listen"] == "127.0.0.1:1883"
    assert config["v5"]["1"]["connections"]["max_payload_size"] >= 512 * 1024


def test_database_url_survives_any_directory(tmp_path: Path):
    database = Database(tmp_path, tmp_path, Path("/a b/c%d/é"), "secret", None)
    assert database.url == "postgresql://millstream:secret@/millstream?host=%2Fa%20b%2Fc%25d%2F%C3%A9"


def test_data_directory_belongs_to_one_demonstration(tmp_path: Path):
    _, lock = open_layout(tmp_path / "deep" / "data")
    with pytest.raises(AlreadyRunning) as refused:
        open_layout(tmp_path / "deep" / "data")
    assert refused.value.pid == str(os.getpid())
    os.close(lock)
    _, again = open_layout(tmp_path / "deep" / "data")
    with pytest.raises(BlockingIOError):
        fcntl.flock(os.open(tmp_path / "deep" / "data" / "lock", os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(again)


def test_data_directory_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataUnusable):
        open_layout(tmp_path / "file")


def test_socket_stays_inside_unless_its_path_is_too_long(tmp_path: Path):
    short = Layout(tmp_path)
    assert short.socket_directory() == tmp_path / "run"
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    outside = Layout(deep).socket_directory()
    try:
        assert not outside.is_relative_to(deep)
        assert outside.stat().st_mode & 0o777 == 0o700
    finally:
        outside.rmdir()


def test_private_files_are_private_and_replaced_whole(tmp_path: Path):
    file = tmp_path / "key"
    write_private(file, "one")
    write_private(file, "two")
    assert file.read_text() == "two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_log_is_bounded_while_somebody_appends(tmp_path: Path):
    log = tmp_path / "agent.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * (LOG_BYTES + 1))
        bound_log(log)
        writer.write(b"after\n")
    assert log.read_bytes() == b"after\n"
    assert (tmp_path / "agent.log.1").stat().st_size == LOG_BYTES + 1


def test_small_or_missing_log_is_left_alone(tmp_path: Path):
    log = tmp_path / "agent.log"
    bound_log(log)
    log.write_text("few\n")
    bound_log(log)
    assert log.read_text() == "few\n"


def test_end_of_a_log(tmp_path: Path):
    log = tmp_path / "cloud.log"
    assert last_lines(log) == []
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    assert last_lines(log, 2) == ["line 98", "line 99"]


@pytest.mark.parametrize("name", ["Database", "数据库", "MQTT 消息代理"])
def test_columns_line_up_in_both_languages(name: str):
    wide = sum(1 for letter in name if "\u4e00" <= letter <= "\u9fff")
    assert len(padded(name)) + wide == 16
