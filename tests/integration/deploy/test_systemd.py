"""The systemd units: their keys, their hardening, and the commands that they run."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import REPOSITORY, find_free_port
from tests.fixtures.stack import ScannedDevice, Stack, wait_for_rows

SYSTEMD = REPOSITORY / "deploy" / "systemd"
UNITS = ("millstream-agent.service", "millstream-cloud.service")
INSTALLED = "/opt/millstream/bin/millstream"
HARDENING = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "CapabilityBoundingSet": "",
    "RestrictSUIDSGID": "yes",
    "MemoryDenyWriteExecute": "yes",
    "SystemCallArchitectures": "native",
    "User": "millstream",
    "Restart": "always",
}


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_well_formed_and_hardened(name: str) -> None:
    unit = _read(SYSTEMD / name)
    assert unit.keys() == {"Unit", "Service", "Install"}
    service = unit["Service"]
    assert {key: service[key][0] for key in HARDENING} == HARDENING
    assert unit["Install"]["WantedBy"] == ["multi-user.target"]
    assert service["RestartPreventExitStatus"] == ["2"], "a configuration error is not repeated for ever"
    assert all(line.split()[0] == INSTALLED for key in ("ExecStartPre", "ExecStart") for line in service.get(key, []))


@pytest.mark.parametrize("name", UNITS)
def test_systemd_itself_finds_no_fault(name: str, tmp_path: Path) -> None:
    """Where systemd is installed; elsewhere the test above has read the unit."""
    if shutil.which("systemd-analyze") is None:
        assert _read(SYSTEMD / name)["Service"]["Type"] == ["exec"]
        return
    copy = tmp_path / name
    copy.write_text((SYSTEMD / name).read_text().replace(INSTALLED, sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if name in line] == []
    assert done.returncode == 0


def test_the_commands_of_the_units_run_the_whole_path(
    stack: Stack, make_counting_device: Callable[..., CountingDevice]
) -> None:
    device = ScannedDevice("press-1", make_counting_device(1).start(), {"default": "100ms"}, ("default",))
    agent = stack.make_agent("gw-1", device)
    environment = _example_environment(stack)
    for line in _read(SYSTEMD / UNITS[1])["Service"]["ExecStartPre"]:
        assert stack.processes.command("migrate", _command(line), **environment).start().wait() == 0
    (cloud,) = _read(SYSTEMD / UNITS[1])["Service"]["ExecStart"]
    stack.cloud = stack.processes.command("cloud", _command(cloud), **environment).start()
    (run,) = _read(SYSTEMD / UNITS[0])["Service"]["ExecStart"]
    words = [str(agent.config) if word == "/etc/millstream/agent.toml" else word for word in _command(run)]
    child = stack.processes.command("agent", words).start()
    wait_for_rows(stack, "gw-1", device.path(0), 3)
    assert child.terminate() == 0, child.tail()
    assert stack.cloud.terminate() == 0, stack.cloud.tail()


def _example_environment(stack: Stack) -> dict[str, str]:
    """The names of the example file with the values of this test."""
    text = (SYSTEMD / "cloud.env.example").read_text()
    shown = dict(re.findall(r"^(MILLSTREAM_\w+)=(.*)$", text, flags=re.MULTILINE))
    stack.http_port = find_free_port()
    # Addresses are of this test; how long data is kept is as the example has it.
    values = shown | {
        "MILLSTREAM_DATABASE_URL": stack.postgres.url(stack.database),
        "MILLSTREAM_MQTT_URL": stack.broker.url,
        "MILLSTREAM_HTTP_HOST": "127.0.0.1",
        "MILLSTREAM_HTTP_PORT": str(stack.http_port),
    }
    return {name: values[name] for name in shown}


def _command(line: str) -> list[str]:
    """A command line of a unit with this environment's own `millstream`."""
    return [str(Path(sys.executable).with_name("millstream")) if w == INSTALLED else w for w in shlex.split(line)]


def _read(path: Path) -> dict[str, dict[str, list[str]]]:
    """Sections of a unit file; a key may come more than once."""
    sections: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in path.read_text().splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header[1]
            sections[section] = {}
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            assert re.fullmatch(r"[A-Z]\w+", key), f"{path.name}: {line}"
            sections[section].setdefault(key, []).append(value)
    return sections
