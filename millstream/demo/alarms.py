"""The hall's alarm definitions: left beside the data at the first start, and brought into force that once."""

import asyncio
import http.client
import json
import tomllib
from importlib.resources import files

from millstream.demo.layout import Layout, write_private


class AlarmsRefused(Exception):
    """The cloud did not take the definitions; the message is its answer."""


def definitions_text() -> str:
    """The file as it is shipped."""
    return files("millstream.demo").joinpath("alarms.toml").read_text(encoding="utf-8")


async def apply_first(layout: Layout, port: int, key: str) -> None:
    """Apply the definitions unless an earlier start did: what somebody has changed since stays."""
    if layout.alarms.exists():
        return
    text = definitions_text()
    await asyncio.to_thread(_apply, port, key, tomllib.loads(text)["definition"])
    write_private(layout.alarms, text)


def _apply(port: int, key: str, definitions: object) -> None:
    body = json.dumps({"definitions": definitions})
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/api/v1/alarm-definitions/apply", body, headers)
        response = connection.getresponse()
        said = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise AlarmsRefused(str(error)) from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise AlarmsRefused(said[:500])
