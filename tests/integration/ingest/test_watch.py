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


async def test_a_broker_that_comes_back_while_the_database_is_away_is_not_blamed_for_it(
    killable_postgres: PostgresServer,
):
    server = killable_postgres
    name = server.create_database()
    url = server.url(name)
    migrate(url)
    pool = await open_pool(url, max_size=2)
    broker = {"is_up": True}
    lasting = "select 1 from outage where part = 'broker' and to_at is null"
    async with pool, asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(Watch(pool, lambda: broker["is_up"], EVERY_S).run())
        with server.connect(name) as beside:
            while not beside.execute("select 1 from ingest_seen where seen_at is not null").fetchall():
                await asyncio.sleep(EVERY_S)
            broker["is_up"] = False
            while not beside.execute(lasting).fetchall():
                await asyncio.sleep(EVERY_S)
            with hanging(server):
                broker["is_up"] = True
                await asyncio.sleep(10 * EVERY_S)
                # One that is short of the whole outage of the database is told as well, when that is over.
                broker["is_up"] = False
                await asyncio.sleep(6 * EVERY_S)
                broker["is_up"] = True
                await asyncio.sleep(10 * EVERY_S)
            while len(beside.execute("select 1 from outage where to_at is not null").fetchall()) < 2:
                await asyncio.sleep(EVERY_S)
            found = beside.execute("select part, from_at, to_at from outage order by from_at").fetchall()
        watching.cancel()
    assert {part for part, *_ in found} == {"broker", "database"}
    (database,) = [each[1:] for each in found if each[0] == "database"]
    shared = [min(database[1], to) - max(database[0], from_) for part, from_, to in found if part == "broker"]
    assert sum(each.total_seconds() for each in shared) < 10 * EVERY_S


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
