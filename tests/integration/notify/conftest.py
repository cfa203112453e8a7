"""A service that notifies, on each engine."""

from collections.abc import AsyncGenerator

import pytest

from tests.integration.notify.plant import Plant, plant


@pytest.fixture
async def hall(engine_url: str) -> AsyncGenerator[Plant]:
    """On PostgreSQL and on TimescaleDB."""
    async with plant(engine_url) as served:
        yield served


@pytest.fixture
async def postgres_hall(postgres_url: str) -> AsyncGenerator[Plant]:
    """On PostgreSQL alone."""
    async with plant(postgres_url) as served:
        yield served
