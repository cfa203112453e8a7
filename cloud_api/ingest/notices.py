"""What agents say of themselves: status, health, catalog; kept beside the samples, never in their way."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from cloud_api.ingest.series_map import ensure_series
from cloud_api.storage.agents import (
    AgentStatusRow,
    upsert_agent_health,
    upsert_agent_offline,
    upsert_agent_online,
)
from cloud_api.storage.faults import is_passing
from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection, Pool, transaction
from cloud_api.storage.series import SeriesDescription, update_series_descriptions
from schemas.agent_status import AgentState, StatusMessage, decode_health, decode_status, encode_health
from schemas.catalog import TagDescription, decode_catalog_part
from schemas.sample import path_problem
from schemas.topics import Channel, Topic

MAX_WAITING_BYTES = 32 * 1024 * 1024
ATTEMPTS = 5
PAUSE_S = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """One message that is no batch; `settle` tells the broker that it was taken."""

    topic: Topic
    payload: bytes
    settle: Callable[[], None]


class NoticeDesk:
    """Takes notices one after the other; one that cannot be kept is logged and let go: agents repeat them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: deque[Notice] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()

    def offer(self, notice: Notice) -> None:
        """Take a notice; above the memory limit it is let go at once."""
        if self._waiting and self._waiting_bytes + len(notice.payload) > MAX_WAITING_BYTES:
            notice.settle()
            return
        self._waiting.append(notice)
        self._waiting_bytes += len(notice.payload)
        self._arrived.set()

    async def run(self) -> None:
        """Keep what arrives, until cancelled."""
        while True:
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            notice = self._waiting.popleft()
            self._waiting_bytes -= len(notice.payload)
            try:
                await self._keep(notice)
            finally:
                notice.settle()

    async def _keep(self, notice: Notice) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            if await self._try(notice):
                return
            await asyncio.sleep(PAUSE_S * attempt)

    async def _try(self, notice: Notice) -> bool:
        """Whether this notice is done with; it is not when the database may take it later."""
        try:
            async with transaction(self._pool) as connection:
                await self._dispatch(connection, notice)
        except Exception as error:  # noqa: BLE001 # a notice must not stop those behind it
            log.warning("%s of %s: %s", notice.topic.channel, notice.topic.agent, error)
            return not is_passing(error)
        return True

    async def _dispatch(self, connection: Connection, notice: Notice) -> None:
        match notice.topic.channel:
            case Channel.STATUS:
                if notice.payload:
                    await _keep_status(connection, notice.topic.agent, decode_status(notice.payload))
            case Channel.HEALTH:
                health = encode_health(decode_health(notice.payload)).decode()
                await upsert_agent_health(connection, notice.topic.agent, _storable(health), _now())
            case Channel.CATALOG:
                # An empty payload removes the part at the broker; series and their history stay.
                if notice.payload:
                    await self._keep_catalog(connection, notice)
            case _:
                return

    async def _keep_catalog(self, connection: Connection, notice: Notice) -> None:
        part = decode_catalog_part(notice.payload)
        if not part.tags:
            return
        tags = [tag for tag in part.tags if path_problem(tag.path) is None]
        paths = tuple(tag.path for tag in tags)
        await ensure_series(connection, notice.topic.agent, sorted(set(paths)))
        descriptions = [_description(tag) for tag in {tag.path: tag for tag in tags}.values()]
        await update_series_descriptions(connection, notice.topic.agent, notice.topic.rest[0], descriptions)


async def _keep_status(connection: Connection, agent: str, message: StatusMessage) -> None:
    row = AgentStatusRow(
        id=agent,
        boot_id=_storable(message.boot_id),
        version=_storable(message.version),
        boot_at=message.boot_at,
        config_revision=None if message.config_revision is None else _storable(message.config_revision),
        config=None if message.config is None else _storable(msgspec.json.encode(message.config).decode()),
    )
    keep = upsert_agent_online if message.state is AgentState.ONLINE else upsert_agent_offline
    await keep(connection, row, _now())


def _description(tag: TagDescription) -> SeriesDescription:
    return SeriesDescription(
        path=tag.path,
        kind=None if tag.kind is None else tag.kind.value,
        unit=_text(tag.unit),
        description=_text(tag.description),
        low=tag.low,
        high=tag.high,
        point=_text(tag.point),
        scan_period_s=tag.scan_period_s,
        deadband=_text(tag.deadband),
        max_silence_s=tag.max_silence_s,
    )


def _now() -> datetime:
    return at_us(time.time_ns() // 1000)


def _text(text: str | None) -> str | None:
    return None if text is None else _storable(text)


def _storable(text: str) -> str:
    """PostgreSQL's text and jsonb hold every character but NUL."""
    return text.replace("\\u0000", "\\ufffd").replace("\0", "\ufffd")
