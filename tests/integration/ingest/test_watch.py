"""What did not work is written down with the part that did not work."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGCONT, SIGSTOP

from cloud_api.ingest.watch import Watch
from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import open_pool
from tests.fixtures.database import PostgresServer

EVERY_S = 0.1


@contextmanager
def hanging(server: PostgresServer) -> Iterator[None]:
    """A database that neither answers nor refuses: its disk hangs."""
    family = [server.process, *server.process.children(recursive=True)]
    for process in family:
        process.send_signal(SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            process.send_signal(SIGCONT)


async def test_a_database_that_hangs_and_comes_back_is_blamed_itself(killable_postgres: PostgresServer):
    server = killable_postgres
    name = server.create_database()
    url = server.url(name)
    migrate(url)
    pool = await open_pool(url, max_size=2)
    async with pool, asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(Watch(pool, None, EVERY_S).run())
        with server.connect(name) as beside:
            while not beside.execute("select 1 from ingest_seen where seen_at is not null").fetchall():
                await asyncio.sleep(EVERY_S)
            with hanging(server):
                await asyncio.sleep(10 * EVERY_S)
            while not (found := beside.execute("select part, to_at - from_at from outage").fetchall()):
                await asyncio.sleep(EVERY_S)
        watching.cancel()
    assert [part for part, _ in found] == ["database"]
    assert found[0][1].total_seconds() >= 10 * EVERY_S
