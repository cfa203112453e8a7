"""OPC UA servers of two makes as child processes, told what to do through a control port."""

import json
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fixtures.node import install_packages, node
from tests.fixtures.processes import Child, Processes, find_free_port

FOREIGN = Path(__file__).resolve().parents[3] / "fixtures" / "foreign" / "opcua"
NAMESPACE = "urn:millstream:test:plant"


@dataclass
class TestServer:
    """One server; it keeps its ports over restarts."""

    __test__ = False

    child: Child
    port: int
    control_port: int
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}"

    def start(self, **options: Any) -> "TestServer":
        """Start, perhaps again; further options take their place beside the first ones."""
        self.options |= options
        self.child.command[-1] = json.dumps(self.options)
        seen = self.child.text().count("ready\n")
        self.child.start().wait_for(lambda: self.child.text().count("ready\n") > seen, "is ready")
        return self

    def tell(self, **command: Any) -> dict[str, Any]:
        with socket.create_connection(("127.0.0.1", self.control_port), timeout=20) as connection:
            connection.sendall(json.dumps(command).encode() + b"\n")
            return json.loads(connection.makefile().readline())


StartServer = Callable[..., TestServer]


def server_maker(processes: Processes, make: str) -> StartServer:
    """Start servers of one make: `asyncua` or `node-opcua`."""

    def start(**options: Any) -> TestServer:
        options |= {"port": find_free_port(), "control_port": find_free_port()}
        if make == "asyncua":
            command: list[str | Path] = [sys.executable, "-m", "tests.integration.connectors.opcua.plant_server"]
        else:
            command = [node(), install_packages(FOREIGN) / "server.mjs"]
        child = processes.command(make, [*command, json.dumps(options)])
        return TestServer(child, options["port"], options["control_port"], options).start()

    return start
