"""Pools on migrated databases, and the API on them with an operator's and an engineer's key."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import Pool, open_pool
from tests.integration.alarms.desk import Desk, open_desk


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


@pytest.fixture
async def desk(postgres_url: str) -> AsyncGenerator[Desk]:
    """The API and people at it, on PostgreSQL alone."""
    async with open_desk(postgres_url) as opened:
        yield opened


@pytest.fixture
async def any_desk(engine_url: str) -> AsyncGenerator[Desk]:
    """The API and people at it, on each engine."""
    async with open_desk(engine_url) as opened:
        yield opened
