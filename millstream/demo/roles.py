"""The six children of the demonstration: how each is started, when it is ready, how it is stopped."""

import asyncio
import os
import signal

from millstream.demo.agent_config import agent_config
from millstream.demo.broker import broker_config
from millstream.demo.child import Role
from millstream.demo.cloud import MILLSTREAM, cloud_settings, write_settings
from millstream.demo.database import Database
from millstream.demo.layout import Layout, write_private
from millstream.demo.options import DemoOptions
from millstream.demo.ports import Ports
from millstream.demo.questions import is_cloud_ready, is_listening


class Roles:
    """Writes what each child reads, and says what it is."""

    def __init__(self, options: DemoOptions, layout: Layout, ports: Ports) -> None:
        self._options = options
        self._layout = layout
        self._ports = ports
        # What the user's shell has set for a real cloud must not reach this one.
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("MILLSTREAM_")
        } | {"PYTHONUNBUFFERED": "1"}

    @property
    def opcua_url(self) -> str:
        """Where the plant's OPC UA server is."""
        return f"opc.tcp://127.0.0.1:{self._ports.opcua}/plant"

    @property
    def modbus_url(self) -> str:
        """Where the plant's Modbus TCP server is."""
        return f"tcp://127.0.0.1:{self._ports.modbus}"

    @property
    def mqtt_url(self) -> str:
        """Where the broker is."""
        return f"mqtt://127.0.0.1:{self._ports.mqtt}"

    def database(self, database: Database) -> Role:
        """PostgreSQL itself; SIGINT is its fast and orderly stop, also when we die."""

        async def is_ready() -> bool:
            return await asyncio.to_thread(database.is_ready)

        return Role(
            "database",
            database.command,
            self._layout.log("database"),
            is_ready,
            self._environment | {"LC_ALL": "C"},
            user=database.user,
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
            stop_s=30.0,
        )

    def broker(self) -> Role:
        """The MQTT broker."""
        write_private(self._layout.broker_config, broker_config(self._ports.mqtt))
        command = [*MILLSTREAM[:-1], "millstream.demo.broker", str(self._layout.broker_config)]

        async def is_ready() -> bool:
            return await is_listening(self._ports.mqtt)

        return Role("broker", command, self._layout.log("broker"), is_ready, self._environment)

    def plant(self) -> Role:
        """The simulated hall."""
        ports = ["--opcua-port", str(self._ports.opcua), "--modbus-port", str(self._ports.modbus)]
        pace = ["--seed", str(self._options.seed), "--speed", str(self._options.speed)]

        async def is_ready() -> bool:
            return await is_listening(self._ports.opcua) and await is_listening(self._ports.modbus)

        command = [*MILLSTREAM, "plant", *ports, *pace]
        return Role("plant", command, self._layout.log("plant"), is_ready, self._environment)

    def cloud(self, database: Database) -> Role:
        """The cloud with all its roles but the console."""

        async def is_ready() -> bool:
            return await is_cloud_ready(self._ports.api)

        command = [*MILLSTREAM, "cloud", "run"]
        return Role("cloud", command, self._layout.log("cloud"), is_ready, self.cloud_environment(database))

    def console(self, database: Database) -> Role:
        """The console, a process of its own."""

        async def is_ready() -> bool:
            return await is_listening(self._ports.console)

        command = [*MILLSTREAM, "cloud", "run", "--role", "console"]
        return Role("console", command, self._layout.log("console"), is_ready, self.cloud_environment(database))

    def cloud_environment(self, database: Database) -> dict[str, str]:
        """The environment of everything that is `millstream cloud`."""
        return self._environment | cloud_settings(database.url, self._ports, self._layout.data)

    def agent(self) -> Role:
        """The edge agent; that samples arrive is asked of the cloud."""
        outbox = self._layout.data / "outbox.db"
        content = agent_config(self.mqtt_url, self.opcua_url, self.modbus_url, outbox)
        write_private(self._layout.agent_config, content)
        (self._layout.data / "devices.d").mkdir(exist_ok=True)

        async def is_ready() -> bool:
            return True

        command = [*MILLSTREAM, "edge", "run", "-c", str(self._layout.agent_config)]
        return Role("agent", command, self._layout.log("agent"), is_ready, self._environment)

    def write_cloud_settings(self, database: Database) -> None:
        """Leave the settings for a shell."""
        write_settings(self._layout, cloud_settings(database.url, self._ports, self._layout.data))
