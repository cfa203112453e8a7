"""The pool: a task that waits for a connection can be cancelled at any moment."""

import asyncio

from cloud_api.storage.pool import open_pool


async def test_a_cancelled_task_ends_even_when_its_connection_comes_in_that_moment(postgres_url: str):
    pool = await open_pool(postgres_url, 1)
    went_on = 0

    async def work() -> None:
        nonlocal went_on
        async with pool.connection() as connection:
            await connection.execute("select 1")
        went_on += 1

    async with pool:
        for ticks in range(60):
            connection = await pool.getconn()
            waiting = asyncio.create_task(work())
            await asyncio.sleep(0)
            returning = asyncio.create_task(pool.putconn(connection))
            for _ in range(ticks):
                await asyncio.sleep(0)
            is_asked = waiting.cancel()
            await asyncio.wait({waiting})
            assert waiting.cancelled() or not is_asked, f"after {ticks} ticks the cancellation was lost"
            await returning
        await work()
    assert went_on >= 1
