"""The API on each engine."""

from collections.abc import AsyncGenerator

import pytest

from tests.integration.api.service import Api, serve_api


@pytest.fixture
async def api(engine_url: str) -> AsyncGenerator[Api]:
    """An API process' application on a fresh database, once on each engine."""
    async with serve_api(engine_url) as served:
        yield served


@pytest.fixture
async def postgres_api(postgres_url: str) -> AsyncGenerator[Api]:
    """An API process' application on a fresh embedded PostgreSQL database."""
    async with serve_api(postgres_url) as served:
        yield served
