"""What an agent recorded is played on the desk, and says there what it said in the plant."""

import asyncio
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.contract import Exchange
from connectors.modbus import KIND
from connectors.modbus.config import ModbusConfig
from connectors.modbus.point import ModbusPoint
from edge_agent.clock import AgentClock
from edge_agent.recorder import tape
from edge_agent.recorder.commands import ExportOptions, PlayOptions, export, replay
from edge_agent.recorder.ring import Ring
from schemas import status
from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import Processes, find_free_port, wait_until
from tests.integration.connectors.modbus.servers import Image, pymodbus_server
from tests.integration.connectors.opcua.servers import server_maker
from tests.integration.edge_agent.gateway import Gateway, counting
from tests.integration.edge_agent.peer import Peer

MakeGateway = Callable[..., Gateway]
FLUSHED = '[recorder]\nflush = "1s"'
SECRETS = ("canary-in-a-comment", "canary-of-the-broker")


def ring_files(gateway: Gateway) -> list[Path]:
    return sorted(gateway.folder.glob("outbox.db.recorder/plc.ring/*.rec"))


def counts(exchanges: tuple[Exchange, ...], counter: int = 0) -> list[int]:
    """The counts that the device told when it was asked for this counter."""
    question = struct.pack(">BBHH", 1, 3, 200 * counter, 4)
    return [
        int.from_bytes(each.answer[2:], "big")
        for each in exchanges
        if each.question == question and each.answer is not None
    ]


def values(peer: Peer, path: str) -> list[object]:
    """Each value once, in the order of time."""
    return list(dict.fromkeys(sample.value for sample in peer.samples(path) if sample.value is not None))


def test_a_night_is_played_in_the_morning(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer, processes: Processes, tmp_path: Path
) -> None:
    gateway = make_gateway(agent=f"# {SECRETS[0]}", mqtt='username = "gw"', batch=FLUSHED)
    gateway.agent.environment["MILLSTREAM_MQTT_PASSWORD"] = SECRETS[1]
    gateway.write(counting(counting_device)).start()
    peer.wait_for_samples(30, "plant/plc/c0")
    counting_device.kill()
    gateway.agent.wait_for_text("device is unreachable")
    counting_device.start()
    peer.wait_for_samples(80, "plant/plc/c0")

    file = tmp_path / "night.rec"
    command = processes.millstream("edge", "record", "export", "-c", gateway.config, "plc", "-o", file).start()
    assert command.wait() == 0, command.text()
    assert "no running agent" not in command.text()
    assert "trouble from" in command.text()
    gateway.agent.terminate()

    content = file.read_bytes()
    recorded = counts(tape.read(content).exchanges)
    stored = values(peer, "plant/plc/c0")
    assert len(recorded) >= 70
    assert recorded == stored[: len(recorded)]
    assert any("-failure" in path.name for path in ring_files(gateway))
    for data in [content, *(path.read_bytes() for path in ring_files(gateway))]:
        plain = b"".join(tape._plain_blocks(data))
        assert b"plc" in plain
        assert not any(secret.encode() in data + plain for secret in SECRETS)

    port = find_free_port()
    desk = processes.millstream("edge", "record", "replay", file, "--port", str(port), "--speed", "20")
    desk.start().wait_for_text(f'url = "tcp://127.0.0.1:{port}"')
    again = make_gateway().write(
        counting(counting_device, "desk").replace(counting_device.url, f"tcp://127.0.0.1:{port}")
    )
    again.start()
    wait_until(lambda: recorded[-1] in values(peer, "plant/desk/c0"), "the recording is played to its end")
    again.agent.terminate()
    assert "device is unreachable" in again.agent.text(), "the outage was not played"
    assert values(peer, "plant/desk/c0") == recorded
    desk.terminate()


OPCUA = """
[[device]]
name = "cell"
path = "plant/{name}"
kind = "opcua"
url = "{url}"
publishing = "50ms"
sampling = "20ms"
retry_min = "50ms"
retry_max = "200ms"
[[device.tag]]
name = "double"
node = "nsu=urn:millstream:test:plant;s=Double"
[[device.tag]]
name = "missing"
node = "nsu=urn:millstream:test:plant;s=Missing"
"""


def test_an_opcua_server_is_played_although_its_session_began_long_ago(
    make_gateway: MakeGateway, peer: Peer, processes: Processes, tmp_path: Path
) -> None:
    """What opened the conversation is kept, while the ring of its first minutes has gone."""
    server = server_maker(processes, "asyncua")()
    gateway = make_gateway(batch=FLUSHED).write(OPCUA.format(url=server.url, name="cell")).start()
    wait_until(lambda: len(list(gateway.folder.glob("outbox.db.recorder/cell.ring/*-subscription.rec"))), "it is kept")
    peer.wait_for_samples(1, "plant/cell/double")
    for value in (1.5, 2.5, 3.5):
        server.tell(set="Double", type="Double", value=value)
        wait_until(lambda value=value: value in values(peer, "plant/cell/double"), f"{value} has come")
    for path in sorted(gateway.folder.glob("outbox.db.recorder/cell.ring/*.rec"))[:2]:
        if not re.search("session|subscription", path.name):
            path.unlink()
    file = tmp_path / "cell.rec"
    command = processes.millstream("edge", "record", "export", "-c", gateway.config, "cell", "-o", file).start()
    assert command.wait() == 0, command.text()
    gateway.agent.terminate()
    told = [0.1, 1.5, 2.5, 3.5]

    port = find_free_port()
    desk = processes.millstream("edge", "record", "replay", file, "--port", str(port))
    desk.start().wait_for_text(f'url = "opc.tcp://127.0.0.1:{port}"')
    again = make_gateway().write(OPCUA.format(url=f"opc.tcp://127.0.0.1:{port}", name="desk")).start()
    wait_until(lambda: 3.5 in values(peer, "plant/desk/double"), "the recording is played to its end")
    again.agent.terminate()
    heard = values(peer, "plant/desk/double")
    assert heard == told[len(told) - len(heard) :]
    assert len(heard) >= 2
    assert {sample.status for sample in peer.samples("plant/desk/missing")} >= {status.BAD_NODE_ID_UNKNOWN}
    desk.terminate()


def test_an_agent_that_has_written_nothing_yet_is_asked(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway = make_gateway(batch='[recorder]\nflush = "10m"').write(counting(counting_device)).start()
    peer.wait_for_samples(5, "plant/plc/c0")
    file = gateway.folder / "out.rec"
    assert export(ExportOptions(gateway.config, "plc", file, patience_s=30)) == 0
    assert "no running agent" not in capsys.readouterr().err
    assert len(counts(tape.read(file.read_bytes()).exchanges)) >= 5


def test_a_killed_agent_leaves_what_it_had_written(
    make_gateway: MakeGateway, counting_device: CountingDevice, peer: Peer, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway = make_gateway(batch=FLUSHED).write(counting(counting_device)).start()
    wait_until(lambda: len(ring_files(gateway)) >= 2, "two stretches are written")
    peer.wait_for_samples(40, "plant/plc/c0")
    gateway.agent.kill()
    (ring_files(gateway)[0].parent / "1-2.new").write_bytes(b"torn")
    file = gateway.folder / "out.rec"
    assert export(ExportOptions(gateway.config, "plc", file, patience_s=0.2)) == 0
    assert "no running agent answered" in capsys.readouterr().err
    recorded = counts(tape.read(file.read_bytes()).exchanges)
    assert recorded == list(range(1, 1 + len(recorded)))
    assert len(recorded) >= 20
    assert file.stat().st_mode & 0o077 == 0

    ring_files(gateway)[0].write_bytes(b"MILLREC\x01 not any more")
    other = gateway.folder / "other.rec"
    assert export(ExportOptions(gateway.config, "plc", other, patience_s=0.2)) == 0
    assert "is left out" in capsys.readouterr().err
    assert 0 < len(counts(tape.read(other.read_bytes()).exchanges)) < len(recorded)


def test_refusals_say_what_is_wrong(
    make_gateway: MakeGateway, counting_device: CountingDevice, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    gateway = make_gateway().write(counting(counting_device))
    file = tmp_path / "out.rec"
    assert export(ExportOptions(gateway.config, "plx", file)) == 2
    assert "allowed: plc" in capsys.readouterr().err
    assert export(ExportOptions(gateway.config, "plc", file)) == 1
    assert "nothing is recorded of plc" in capsys.readouterr().err
    assert replay(PlayOptions([gateway.config])) == 1
    assert "no recording of millstream" in capsys.readouterr().err
    assert replay(PlayOptions([file])) == 1
    assert "cannot be read" in capsys.readouterr().err
    file.write_bytes(tape.opening(tape.Head("gw-1", "cell", "simulated")))
    assert replay(PlayOptions([file])) == 1
    assert "cannot be replayed" in capsys.readouterr().err
    assert export(ExportOptions(gateway.config, "plc", file)) == 2
    assert "is there already" in capsys.readouterr().err
    gateway = make_gateway(batch="[recorder]\nenabled = false").write(counting(counting_device))
    assert export(ExportOptions(gateway.config, "plc", tmp_path / "new.rec")) == 2
    assert "enabled = false" in capsys.readouterr().err


def test_a_written_value_is_nowhere_in_the_recording() -> None:
    async def written() -> bytes:
        image = Image()
        async with pymodbus_server(image, "tcp") as address:
            config = ModbusConfig.model_validate({"url": f"tcp://{address}"})
            point = ModbusPoint.model_validate({"address": "holding:4", "type": "uint64"}, context=config)
            connector = KIND.create(config, (point,), AgentClock())
            ring = Ring(1 << 16)
            assert KIND.record is not None
            KIND.record(connector, ring)
            await connector.open()
            await connector.write(0, int.from_bytes(b"PASSWORD", "big"))
            await connector.close()
        taken = ring.take()
        assert taken is not None
        return b"".join(tape._plain_blocks(tape.opening(tape.Head("gw", "plc", "modbus")) + taken.blocks))

    plain = asyncio.run(written())
    assert struct.pack(">BBH", 1, 16, 4) in plain, "that something was written, and where, is recorded"
    assert b"PASS" not in plain
    assert b"WORD" not in plain
