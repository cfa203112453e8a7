"""Clients of `GET /stream`, as one process: each on a connection of its own, back with its last id when it breaks.

Reads the plan as one line of JSON from standard input; ends when standard input does, and writes as JSON what it saw.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

# Until the stream says itself, by `retry`, how long to wait.
AGAIN_S = 2.0


@dataclass
class Seen:
    """What all clients have seen: by client and series the values, how late each sample was, how often each began."""

    values: dict[int, dict[int, list[int]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    # When it came, and how late that was.
    late_ms: list[tuple[float, float]] = field(default_factory=list)
    again_ms: list[tuple[float, float]] = field(default_factory=list)
    begins: int = 0
    skipped: int = 0
    missed: int = 0


async def main() -> Seen:
    """Read until standard input ends."""
    plan: dict[str, Any] = json.loads(sys.stdin.readline())
    seen, ended = Seen(), asyncio.Event()
    clients = [asyncio.create_task(_client(plan, index, seen)) for index in range(plan["clients"])]
    lazy = [asyncio.create_task(_lazy(plan, ended)) for _ in range(plan["lazy"])]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    ended.set()
    for task in clients:
        task.cancel()
    await asyncio.gather(*clients, *lazy, return_exceptions=True)
    return seen


async def _client(plan: dict[str, Any], index: int, seen: Seen) -> None:
    last_id, broke_s, again_s = "", None, AGAIN_S
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", plan["port"], limit=2**24)
            writer.write(_request(plan, index, last_id))
            async for name, event_id, data in _events(reader):
                if name == "retry":
                    again_s = data["ms"] / 1e3
                    continue
                if broke_s is not None:
                    seen.again_ms.append((time.time(), (time.monotonic() - broke_s) * 1e3))
                is_again, broke_s = broke_s is not None, None
                last_id = event_id or last_id
                _note(seen, index, name, data, is_again=is_again)
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass
        broke_s = time.monotonic() if broke_s is None else broke_s
        await asyncio.sleep(again_s)


async def _lazy(plan: dict[str, Any], ended: asyncio.Event) -> None:
    """Ask for everything and take nothing."""
    _, writer = await asyncio.open_connection("127.0.0.1", plan["port"], limit=1)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(_request(plan | {"globs": ["**"]}, 0, ""))
    await ended.wait()


def _note(seen: Seen, index: int, name: str, data: dict[str, Any], *, is_again: bool) -> None:
    now_s = time.time()
    seen.begins += name == "begin"
    seen.missed += name == "missed"
    seen.skipped += bool(data.get("skipped"))
    samples = data.get("samples", ())
    for sample in samples:
        seen.values[index][sample["id"]].append(int(sample["value"]))
    if samples and not is_again:
        seen.late_ms.append((now_s, (now_s - datetime.fromisoformat(samples[-1]["time"]).timestamp()) * 1e3))


def _request(plan: dict[str, Any], index: int, last_id: str) -> bytes:
    glob = plan["globs"][index % len(plan["globs"])]
    again = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
    head = (
        f"GET /api/v1/stream?path={quote(glob)} HTTP/1.1\r\nHost: millstream\r\nAuthorization: Bearer {plan['key']}\r\n"
    )
    return f"{head}{again}\r\n".encode()


async def _events(reader: asyncio.StreamReader) -> AsyncGenerator[tuple[str, str, dict[str, Any]]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    if not head.startswith("HTTP/1.1 200"):
        raise ValueError(head)
    left = b""
    while length := int(await reader.readline(), 16):
        left += (await reader.readexactly(length + 2))[:-2]
        *blocks, left = left.split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if line[:1] != b":")
            if b"retry" in fields:
                yield "retry", "", {"ms": int(fields[b"retry"])}
            if b"event" in fields:
                event_id = fields.get(b"id", b"").decode()
                yield fields[b"event"].decode(), event_id, json.loads(fields[b"data"])


def _holes(values: list[int]) -> tuple[int, int]:
    """How many values are missing between the first and the last, and how many came twice."""
    return values[-1] - values[0] + 1 - len(set(values)), len(values) - len(set(values))


def _told(seen: Seen) -> dict[str, Any]:
    counted = [_holes(values) for of_one in seen.values.values() for values in of_one.values()]
    ends = [values[-1] for of_one in seen.values.values() for values in of_one.values()]
    return {
        "clients": len(seen.values),
        "samples": sum(len(values) for of_one in seen.values.values() for values in of_one.values()),
        "holes": sum(holes for holes, _ in counted),
        "doubles": sum(doubles for _, doubles in counted),
        "least_end": min(ends, default=0),
        "late_ms": sorted(seen.late_ms),
        "again_ms": sorted(seen.again_ms),
        "begins": seen.begins,
        "skipped": seen.skipped,
        "missed": seen.missed,
    }


if __name__ == "__main__":
    json.dump(_told(asyncio.run(main())), sys.stdout)
