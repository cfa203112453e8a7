"""A recorder that cannot write says so once and harms nobody; what it has written belongs to the device."""

import logging
from pathlib import Path

from connectors.contract import Exchange
from edge_agent.clock import AgentClock
from edge_agent.config import AgentConfig
from edge_agent.config_files import load
from edge_agent.recorder import tape
from edge_agent.recorder.recorder import FlightRecorder, RecorderSettings, folder_of
from edge_agent.recorder.shelf import Limits, Shelf
from edge_agent.telemetry import LOGGER
from edge_agent.wiring import recorder_settings

CONFIG = """
[agent]
id = "gw-1"
[mqtt]
url = "mqtt://127.0.0.1:1"
[outbox]
path = "state/outbox.db"
{more}
[[device]]
name = "pump"
kind = "modbus"
url = "tcp://127.0.0.1:1"
[[device.tag]]
name = "speed"
address = "holding:0"
[[device]]
name = "sim"
kind = "simulated"
[[device.tag]]
name = "a"
signal = "sine"
"""


def configured(folder: Path, more: str = "") -> AgentConfig:
    (folder / "agent.toml").write_text(CONFIG.format(more=more))
    return load(folder / "agent.toml")


def settings(folder: Path) -> RecorderSettings:
    return RecorderSettings("gw-1", folder, Limits(600_000_000, 0, 1 << 20), 60.0, 1 << 16)


async def test_each_device_has_its_own_ring_and_kinds_that_record_nothing_have_none(tmp_path: Path) -> None:
    pump, sim = configured(tmp_path).devices
    clock = AgentClock()
    recorder = FlightRecorder(settings(tmp_path / "rings"), clock)
    ring = recorder.of(pump)
    assert ring is not None
    assert ring is recorder.of(pump), "a reload goes on with the same ring"
    assert recorder.of(sim) is None
    exchange = Exchange(clock.now_us(), 5, b"q", b"a")
    ring.note(exchange)
    await recorder.flush()
    await recorder.flush()
    shelf = Shelf(folder_of(tmp_path / "rings", "pump"))
    (kept,) = shelf.kept()
    recording = tape.read(shelf.read(kept) or b"")
    assert (recording.head, recording.exchanges) == (tape.Head("gw-1", "pump", "modbus"), (exchange,))


class Warnings(logging.Handler):
    """What was said, whatever the logger passes on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


async def test_a_disk_that_refuses_is_told_once(tmp_path: Path) -> None:
    pump = configured(tmp_path).devices[0]
    (tmp_path / "rings").write_text("a file where the folder should be")
    clock = AgentClock()
    recorder = FlightRecorder(settings(tmp_path / "rings"), clock)
    ring = recorder.of(pump)
    assert ring is not None
    warnings = Warnings()
    LOGGER.addHandler(warnings)
    try:
        for _ in range(3):
            ring.note(Exchange(clock.now_us(), 5, b"q", b"a"))
            await recorder.flush()
        (tmp_path / "rings").unlink()
        ring.note(Exchange(clock.now_us(), 5, b"q", b"a"))
        await recorder.flush()
    finally:
        LOGGER.removeHandler(warnings)
    assert warnings.said == ["flight recorder cannot write"]
    assert len(Shelf(folder_of(tmp_path / "rings", "pump")).kept()) == 1


def test_the_table_arrives(tmp_path: Path) -> None:
    usual = recorder_settings(configured(tmp_path))
    assert usual is not None
    assert usual.folder == tmp_path / "state" / "outbox.db.recorder"
    assert usual.limits == Limits(600_000_000, 7 * 86_400_000_000, 4 << 20)
    assert (usual.flush_s, usual.pending_bytes) == (60.0, 256 << 10)
    assert recorder_settings(configured(tmp_path, "[recorder]\nenabled = false")) is None
    other = recorder_settings(configured(tmp_path, '[recorder]\npath = "elsewhere"\nlast = "1h"\nflush = "5s"'))
    assert other is not None
    assert (other.folder, other.limits.last_us, other.flush_s) == (tmp_path / "elsewhere", 3_600_000_000, 5.0)
