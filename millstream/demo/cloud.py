"""The cloud's settings in the demonstration, and its one-off commands: migrate, create a key."""

import asyncio
import json
import secrets
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from millstream.demo.layout import Layout, write_private
from millstream.demo.ports import Ports
from millstream.demo.questions import is_key_known

# -P: a directory called `schemas` where the demonstration was started must not be taken for ours.
MILLSTREAM = [sys.executable, "-P", "-m", "millstream"]

USER = "demo"


class CloudCommandFailed(Exception):
    """A one-off command of the cloud did not do its work; the message is what it said."""


def cloud_settings(database_url: str, ports: Ports, data: Path) -> dict[str, str]:
    """The variables that `cloud run` reads."""
    return {
        "MILLSTREAM_DATABASE_URL": database_url,
        "MILLSTREAM_DATABASE_DIRECTORY": str(data.resolve()),
        "MILLSTREAM_MQTT_URL": f"mqtt://127.0.0.1:{ports.mqtt}",
        "MILLSTREAM_HTTP_HOST": "127.0.0.1",
        "MILLSTREAM_HTTP_PORT": str(ports.api),
        # The supervisor keeps the console, as it keeps everything else.
        "MILLSTREAM_CONSOLE": "off",
        "MILLSTREAM_CONSOLE_HOST": "127.0.0.1",
        "MILLSTREAM_CONSOLE_PORT": str(ports.console),
    }


def write_settings(layout: Layout, settings: Mapping[str, str]) -> None:
    """The same for a shell: `. cloud.env` and every `millstream cloud …` works."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
    write_private(layout.cloud_settings, "\n".join(("# Written anew at every start of `millstream demo`.", *lines, "")))


async def migrate(environment: Mapping[str, str]) -> None:
    """Bring the schema up to date."""
    await _command(environment, "migrate")


async def api_key(layout: Layout, port: int, environment: Mapping[str, str]) -> str:
    """The key of an earlier run when the cloud still knows it, else a new one."""
    if layout.api_key.exists():
        key = layout.api_key.read_text(encoding="utf-8").strip()
        if await is_key_known(port, key):
            return key
    name = f"demo-{secrets.token_hex(3)}"
    said = await _command(environment, "key", "create", "--name", name, "--role", "admin", "--json")
    answer: Any = json.loads(said)
    key = str(answer["key"])
    write_private(layout.api_key, key + "\n")
    return key


async def console_password(layout: Layout, environment: Mapping[str, str]) -> str:
    """The password of the console's user; both are made at the first start and stay."""
    if layout.console_password.exists():
        return layout.console_password.read_text(encoding="utf-8").strip()
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    beside = layout.console_password.with_name("console.password.first")
    write_private(beside, password + "\n")
    try:
        await _command(environment, "user", "create", USER, "--role", "admin", "--password-file", str(beside))
        beside.replace(layout.console_password)
    finally:
        beside.unlink(missing_ok=True)
    return password


async def _command(environment: Mapping[str, str], *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *MILLSTREAM,
        "cloud",
        *arguments,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    said, complaint = await process.communicate()
    if process.returncode != 0:
        raise CloudCommandFailed((complaint or said).decode(errors="replace").strip())
    return said.decode()
