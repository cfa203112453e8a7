"""The bench on each engine."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest

from cloud_api.calculations import service
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


@pytest.fixture(autouse=True)
def any_backfill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Today goes on and the instants of the tests do not: they may be asked for in years to come as well."""
    monkeypatch.setattr(service, "LONGEST_BACKFILL", datetime.now(UTC) - datetime(2025, 1, 1, tzinfo=UTC))
