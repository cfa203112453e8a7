"""Browsers with a dashboard open, as one process: each on a connection of its own asks again every ten seconds.

Reads the plan as JSON from standard input, writes what became of each request as JSON to standard output.
"""

import asyncio
import json
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

PERIOD_S = 10.0
PATIENCE_S = 30.0


async def main(plan: dict[str, Any]) -> list[tuple[int, float, int]]:
    """Status (0: no answer), milliseconds, and bytes of each request."""
    started = time.monotonic()
    answers: list[tuple[int, float, int]] = []
    places = [(index, random.random()) for index in range(plan["readers"])]  # a phase, no secret
    await asyncio.gather(*(_read(plan, index, started + PERIOD_S * phase, answers) for index, phase in places))
    return answers


async def _read(plan: dict[str, Any], index: int, first_s: float, answers: list[tuple[int, float, int]]) -> None:
    board = plan["boards"][index % len(plan["boards"])]
    key = plan["keys"][index % len(plan["keys"])]
    reader, writer = await asyncio.open_connection("127.0.0.1", plan["port"])
    for turn in range(plan["turns"]):
        await asyncio.sleep(max(0.0, first_s + turn * PERIOD_S - time.monotonic()))
        began = time.perf_counter()
        if reader.at_eof():
            # The service ends connections that rest; a browser opens another, and so it counts.
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", plan["port"])
        try:
            async with asyncio.timeout(PATIENCE_S):
                writer.write(_request(board, key))
                status, size = await _answer(reader)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            answers.append((0, (time.perf_counter() - began) * 1e3, 0))
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", plan["port"])
            continue
        answers.append((status, (time.perf_counter() - began) * 1e3, size))
    writer.close()


def _request(board: dict[str, Any], key: str) -> bytes:
    now = datetime.now(UTC)
    window = {"from": (now - timedelta(hours=board["hours"])).isoformat(), "to": now.isoformat()}
    aggregates = ["minimum", "maximum", "average"]
    body = json.dumps({"series": board["series"], "points": 300, "aggregate": aggregates, **window}).encode()
    head = (
        "POST /api/v1/query HTTP/1.1\r\nHost: millstream\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nAccept-Encoding: zstd\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _answer(reader: asyncio.StreamReader) -> tuple[int, int]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(" ", 2)[1])
    if "content-length:" in head:
        size = int(head.partition("content-length:")[2].partition("\r\n")[0])
        return status, len(await reader.readexactly(size))
    size = 0
    while length := int(await reader.readline(), 16):
        size += len(await reader.readexactly(length + 2)) - 2
    await reader.readline()
    return status, size


if __name__ == "__main__":
    json.dump(asyncio.run(main(json.load(sys.stdin))), sys.stdout)
