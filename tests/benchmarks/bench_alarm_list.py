"""The operator's list with 10,000 active alarms against the same list with 100, and 10,000 acknowledged at once."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

from tests.benchmarks.report import WINDOWS, Row
from tests.fixtures.database import make_postgres
from tests.integration.alarms.desk import Desk, open_desk
from tests.integration.alarms.plant import RAISE, transition

FEW, MANY = 100, 10_000
CALLS = 30
LISTS: dict[str, dict[str, Any]] = {
    "first page by priority": {},
    "first page, newest": {"sort": "newest"},
    "first page by path": {"sort": "path"},
    "words": {"q": "pump-7"},
    "glob": {"path": "hall/*/pump-1*/flow"},
}


def run() -> list[Row]:
    """All figures."""
    server, remove = make_postgres()
    try:
        urls = [server.url(server.create_database()) for _ in range(2)]
        return asyncio.run(_measure(urls[0], urls[1]))
    finally:
        remove()


async def _measure(few_url: str, many_url: str) -> list[Row]:
    async with open_desk(few_url) as few, open_desk(many_url) as many:
        await _fill(few, FEW)
        await _fill(many, MANY)
        rows = [await _compare(name, few, many, parameters) for name, parameters in LISTS.items()]
        rows.append(await _deep_page(many))
        rows.append(await _acknowledge(many))
        return rows


async def _fill(desk: Desk, count: int) -> None:
    """As many active alarms, and twice as many that are normal."""
    for start in range(0, count, 500):
        numbers = range(start, min(start + 500, count))
        priorities = ("low", "medium", "high", "critical")
        await desk.happen(*[transition(RAISE, n, _path(n), priority=priorities[n % 4]) for n in numbers])
    normal = (
        "insert into alarm (definition_id, definition_version, instance, priority)"
        " select gen_random_uuid(), 1, 'quiet/' || n, 'low' from generate_series(1, %s) n"
    )
    await desk.api.fill.run(normal, 2 * count)
    await desk.api.fill.run("analyze alarm")


def _path(number: int) -> str:
    return f"hall/line-{number % 20}/pump-{number}/flow"


async def _compare(name: str, few: Desk, many: Desk, parameters: dict[str, Any]) -> Row:
    async def page(desk: Desk) -> None:
        await desk.api.get("/alarms", **parameters)

    pairs = [(await _median_ms(lambda: page(many)), await _median_ms(lambda: page(few))) for _ in range(WINDOWS + 1)][
        1:
    ]
    value, reference = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    # A hundred times the alarms must not feel slower.
    return Row(f"list of {MANY:,}: {name}", value, "ms", reference, value / reference, "<= 3")


async def _median_ms(call: Callable[[], Awaitable[None]]) -> float:
    taken: list[float] = []
    for _ in range(CALLS):
        started = time.perf_counter()
        await call()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


async def _deep_page(desk: Desk) -> Row:
    """The hundredth page against the first: keysets do not count what they skip."""
    first = await desk.api.get("/alarms")
    cursor = first["next"]
    for _ in range(98):
        cursor = (await desk.api.get("/alarms", cursor=cursor))["next"]

    async def page(parameters: dict[str, Any]) -> None:
        await desk.api.get("/alarms", **parameters)

    deep = await _median_ms(lambda: page({"cursor": cursor}))
    start = await _median_ms(lambda: page({}))
    return Row(f"list of {MANY:,}: page 100 against page 1", deep, "ms", start, deep / start, "<= 1.5")


async def _acknowledge(desk: Desk) -> Row:
    """All at once, with a journal row and a report each, against the bare UPDATE and INSERT of as many rows."""
    started = time.perf_counter()
    answer = await desk.done("acknowledge", {"filter": {}, "comment": "bench"})
    taken = time.perf_counter() - started
    assert answer["acknowledged"] == MANY
    started = time.perf_counter()
    with psycopg.connect(desk.url) as connection:
        connection.execute(b"update alarm set version = version + 1, state = 'unacknowledged' where is_active")
        connection.execute(
            b"create table bare as select * from alarm_journal where false;"
            b" insert into bare select * from alarm_journal where event = 'acknowledge'"
        )
        connection.commit()
    bare = time.perf_counter() - started
    return Row(f"{MANY:,} acknowledged at once", taken, "s", bare, taken / bare, "<= 25")
