"""A device opened for one question and closed again, whatever the question did."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from connectors.contract import AnyKind, Clock, Connector
from connectors.errors import ReadTimeout
from connectors.tables import ConnectorConfig, PointConfig

OPEN_LIMIT_S = 30.0
CLOSE_LIMIT_S = 5.0


@asynccontextmanager
async def opened(
    kind: AnyKind, config: ConnectorConfig, points: Sequence[PointConfig], clock: Clock
) -> AsyncGenerator[Connector]:
    """A connector that is open inside; raises DeviceUnreachable, ConfigInvalid."""
    connector = kind.create(config, points, clock)
    try:
        try:
            async with asyncio.timeout(OPEN_LIMIT_S):
                await connector.open()
        except TimeoutError as error:
            raise ReadTimeout(f"no connection within {OPEN_LIMIT_S:g} s") from error
        yield connector
    finally:
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await connector.close()
        except TimeoutError:
            pass
