"""Room for costly reads: a few run at once, the next waits a moment, more are asked to come again."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from cloud_api.problems import Kinds, Problem

PATIENCE_S = 2.0


@asynccontextmanager
async def slot(slots: asyncio.Semaphore) -> AsyncGenerator[None]:
    """Hold one of these slots; a Problem when none is free in time."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await slots.acquire()
    except TimeoutError as error:
        detail = "as many queries are running as this service runs at once"
        raise Problem(Kinds.TOO_MANY_REQUESTS, detail, headers={"Retry-After": "2"}) from error
    try:
        yield
    finally:
        slots.release()
