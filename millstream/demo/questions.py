"""What the supervisor asks its children: do you answer, do you know this key, have samples arrived."""

import asyncio
import http.client
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any


async def is_listening(port: int) -> bool:
    """Whether a TCP connection to a port of loopback is taken."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def is_cloud_ready(port: int) -> bool:
    """Whether the cloud says that all of its parts work."""
    return await asyncio.to_thread(_status, port, "/health/ready", {}) == 200


async def is_key_known(port: int, key: str) -> bool:
    """Whether the cloud takes this key."""
    return await asyncio.to_thread(_status, port, "/api/v1/series?limit=1", _authorisation(key)) == 200


async def fresh_series(port: int, key: str, since: datetime) -> int:
    """How many series have a sample measured since then."""
    return await asyncio.to_thread(_count_fresh, port, _authorisation(key), since)


def _authorisation(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _status(port: int, path: str, headers: Mapping[str, str]) -> int | None:
    try:
        return _get(port, path, headers)[0]
    except (OSError, http.client.HTTPException):
        return None


def _count_fresh(port: int, headers: Mapping[str, str], since: datetime) -> int:
    try:
        _, body = _get(port, "/api/v1/latest?path=**&limit=500", headers)
        answer: Any = json.loads(body)
        return sum(datetime.fromisoformat(item["time"]) >= since for item in answer["items"])
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return 0


def _get(port: int, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
