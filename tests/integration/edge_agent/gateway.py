"""One gateway in a folder of its own: its configuration, its agent process, its outbox."""

from collections.abc import Sequence
from pathlib import Path

from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import Child, Processes

AGENT = "gw-1"


class Gateway:
    """Writes an agent's files and runs the agent as a process."""

    def __init__(
        self,
        processes: Processes,
        broker_url: str,
        *,
        agent: str = "",
        mqtt: str = "",
        outbox: str = "",
        batch: str = "",
    ) -> None:
        self.folder = processes.folder / f"gateway-{len(processes.children)}"
        self.folder.mkdir()
        self.config = self.folder / "agent.toml"
        self.outbox = self.folder / "outbox.db"
        self.sections = {"url": broker_url, "agent": agent, "mqtt": mqtt, "outbox": outbox, "batch": batch}
        self.agent: Child = processes.millstream("edge", "run", "-c", self.config, name="agent")

    def write(self, *devices: str) -> "Gateway":
        """Write the configuration with these devices."""
        draft = self.config.with_suffix(".new")
        draft.write_text("\n".join([HEAD.format(**self.sections), *devices]))
        draft.rename(self.config)
        return self

    def start(self) -> "Gateway":
        """Start the agent and wait until it runs."""
        said = self.agent.text().count("agent running")
        self.agent.start()
        self.agent.wait_for(lambda: self.agent.text().count("agent running") > said, "runs")
        return self


HEAD = """
[agent]
id = "gw-1"
{agent}
[mqtt]
url = "{url}"
retry_min = "100ms"
retry_max = "500ms"
{mqtt}
[outbox]
path = "outbox.db"
{outbox}
[batch]
window = "20ms"
idle = "100ms"
{batch}
"""


def counting(device: CountingDevice, name: str = "plc", scan: str = "50ms", extra: str = "") -> str:
    """The tables of a counting device: tags c0, c1 … below plant/<name>."""
    tags = "".join(_counter(device.address(counter), f"c{counter}") for counter in range(device.counters))
    return f"""
[[device]]
name = "{name}"
path = "plant/{name}"
kind = "modbus"
url = "{device.url}"
timeout = "500ms"
retry_min = "50ms"
retry_max = "200ms"
{extra}
[device.scan]
default = "{scan}"
{tags}"""


def simulated(name: str = "sim", tags: Sequence[str] = ("a", "b"), scan: str = "50ms", extra: str = "") -> str:
    """The tables of a simulated device."""
    tables = "".join(f'[[device.tag]]\nname = "{tag}"\nsignal = "sine"\nperiod = "1s"\n' for tag in tags)
    return f"""
[[device]]
name = "{name}"
path = "plant/{name}"
kind = "simulated"
{extra}
[device.scan]
default = "{scan}"
{tables}"""


def set_aside(folder: Path) -> list[Path]:
    """Damaged outboxes that were put aside."""
    return sorted(path for path in folder.iterdir() if ".corrupt-" in path.name and path.suffix not in ("-wal", "-shm"))


def _counter(address: str, name: str) -> str:
    return f'[[device.tag]]\nname = "{name}"\naddress = "{address}"\ntype = "uint64"\n'
