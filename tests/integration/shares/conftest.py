"""A small plant with something to share, once on each engine, or on embedded PostgreSQL alone."""

from collections.abc import AsyncGenerator

import pytest

from tests.integration.api.service import serve_api
from tests.integration.shares.plant import Plant, build


@pytest.fixture
async def plant(postgres_url: str) -> AsyncGenerator[Plant]:
    """On embedded PostgreSQL."""
    async with serve_api(postgres_url) as api:
        yield await build(api)


@pytest.fixture
async def any_plant(engine_url: str) -> AsyncGenerator[Plant]:
    """On each engine."""
    async with serve_api(engine_url) as api:
        yield await build(api)
