"""The bench on each engine."""

from collections.abc import AsyncGenerator

import pytest

from tests.integration.calculations.bench import Bench, running_bench


@pytest.fixture
async def bench(engine_url: str) -> AsyncGenerator[Bench]:
    """API and leader on a fresh database, once on each engine."""
    async with running_bench(engine_url) as running:
        yield running


@pytest.fixture
async def postgres_bench(postgres_url: str) -> AsyncGenerator[Bench]:
    """The same on a fresh embedded PostgreSQL database."""
    async with running_bench(postgres_url) as running:
        yield running
