"""Pools on migrated databases."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from cloud_api.audit.duty import LEASE
from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, new_owner
from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import Pool, open_pool


@asynccontextmanager
async def _migrated(url: str) -> AsyncGenerator[Pool]:
    await asyncio.to_thread(migrate, url)
    opened = await open_pool(url)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def pool(engine_url: str) -> AsyncGenerator[Pool]:
    """On PostgreSQL and on TimescaleDB."""
    async with _migrated(engine_url) as opened:
        yield opened


@pytest.fixture
async def postgres_pool(postgres_url: str) -> AsyncGenerator[Pool]:
    """On PostgreSQL alone."""
    async with _migrated(postgres_url) as opened:
        yield opened


async def on_duty(pool: Pool) -> Ownership:
    """Take the audit's lease."""
    mine = Ownership(LEASE, new_owner())
    await LeaseKeeper(pool, mine, LeaseTimes()).acquire()
    return mine
