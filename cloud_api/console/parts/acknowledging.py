"""Acknowledging what somebody has seen, also where it flutters: the same alarm, no worse than it was shown."""

from collections.abc import Mapping
from typing import Any

from cloud_api.console.api import Refused
from cloud_api.console.screen import Screen

TRIES = 4


async def acknowledge_seen(screen: Screen, seen: Mapping[str, Any], comment: str | None) -> None:
    """Acknowledge by version; where the alarm has changed meanwhile but is no other one to the eye, once more."""
    path, version = f"/alarms/{seen['id']}", seen["version"]
    body = {"comment": comment} if comment else {}
    for _ in range(TRIES):
        try:
            await screen.api.post(f"{path}/acknowledge", body | {"version": version})
        except Refused as refused:
            if refused.kind != "version-conflict":
                raise
        else:
            return
        now = await screen.api.get(path)
        if (now["priority"], now["level"]) != (seen["priority"], seen["level"]):
            break
        version = now["version"]
    screen.warn(screen.text("alarms.changed_meanwhile"))
