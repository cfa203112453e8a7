"""The notify role: by lease one process reads the journal and sends; every step is committed before the next."""

import asyncio
import json
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, check_lease, is_dead, new_owner
from cloud_api.notify.delivery.sender import THREADS, Sender
from cloud_api.notify.links.tokens import PATH, make_token
from cloud_api.notify.outbox.feed import FEED_ROWS, OutboxOptions, feed, flush
from cloud_api.notify.outbox.messages import Letter, Message, write_message
from cloud_api.outbound.addresses import Network
from cloud_api.outbound.failures import SendFailed, SendRefused
from cloud_api.settings import NotifySettings
from cloud_api.storage.faults import is_passing
from cloud_api.storage.lease import LeaseLost
from cloud_api.storage.notification_configuration import ChannelRow, select_channels
from cloud_api.storage.notification_outbox import (
    Claim,
    ClaimedNotification,
    claim_notifications,
    select_notification_claimants,
    select_notification_counts,
    update_notification_failed,
    update_notification_sent,
)
from cloud_api.storage.notifications import delete_notification_items_old, select_notification_link_key
from cloud_api.storage.pool import Pool, transaction
from cloud_api.telemetry import Telemetry

LEASE = "notify"
PER_CHANNEL = 2
# Longer than any send can take: who is silent for so long has died, and the message is sent again under its id.
CLAIM_TTL = timedelta(minutes=2)
FIRST_WAIT_S, LONGEST_WAIT_S = 10.0, 3600.0
HOUSEKEEPING_S = 30.0
GRACE_S = 8.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NotifyOptions:
    """What the role is told; without `public_url` messages carry no link."""

    public_url: str | None = None
    allowed_networks: Sequence[Network] = ()
    link_lifetime: timedelta = timedelta(hours=24)
    max_attempts: int = 30
    first_wait_s: float = FIRST_WAIT_S
    poll_s: float = 0.5
    lease: LeaseTimes = field(default_factory=LeaseTimes)


class Notifier:
    """The notify role of one process; `run` is its one task."""

    def __init__(self, pool: Pool, options: NotifyOptions, telemetry: Telemetry) -> None:
        self._pool = pool
        self._options = options
        self._telemetry = telemetry
        self._ownership = Ownership(LEASE, new_owner())
        self._sender = Sender(options.allowed_networks)
        self._has_new = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._link_key = b""

    @property
    def is_owner(self) -> bool:
        """Whether this process notifies; another one stands by."""
        return self._ownership.is_held

    async def run(self) -> None:
        """Notify for ever; only a database that is not fit for it ends this, or a cancellation."""
        keeper = LeaseKeeper(self._pool, self._ownership, self._options.lease)
        try:
            while True:
                try:
                    await keeper.acquire()
                    await self._own(keeper)
                except LeaseLost as error:
                    log.warning("another process notifies now: %s", error)
                except Exception as error:
                    if not is_passing(error):
                        raise
                    log.warning("notifications wait for the database: %s", " ".join(str(error).split()))
                    await asyncio.sleep(self._options.poll_s)
                finally:
                    await self._finish()
                    await keeper.release()
        finally:
            self._sender.close()

    async def _own(self, keeper: LeaseKeeper) -> None:
        async with self._pool.connection() as connection:
            self._link_key = await select_notification_link_key(connection)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(keeper.keep())
                group.create_task(self._write())
                group.create_task(self._deliver())
                group.create_task(self._keep_house())
        except* LeaseLost as lost:
            raise LeaseLost("the lease has another owner") from lost
        except* Exception as failed:  # noqa: BLE001 # raised again, out of its group
            raise failed.exceptions[0] from None

    async def _write(self) -> None:
        """Journal rows to items, items to messages; what happened is read to its end before anybody is told."""
        options = OutboxOptions(
            self._options.max_attempts, None if self._options.public_url is None else self._options.link_lifetime
        )
        while True:
            async with transaction(self._pool) as connection:
                await check_lease(connection, self._ownership)
                count = await feed(connection)
            if count == FEED_ROWS:
                continue
            async with transaction(self._pool) as connection:
                await check_lease(connection, self._ownership)
                written = await flush(connection, datetime.now(UTC), options)
            if written:
                self._has_new.set()
            await asyncio.sleep(self._options.poll_s)

    async def _deliver(self) -> None:
        while True:
            free = THREADS - len(self._under_way)
            claimed = await self._claim(free) if free else []
            for notification in claimed:
                task = asyncio.create_task(self._send(notification))
                self._under_way.add(task)
                task.add_done_callback(self._end)
            if not claimed:
                self._has_new.clear()
                try:
                    async with asyncio.timeout(self._options.poll_s):
                        await self._has_new.wait()
                except TimeoutError:
                    continue

    def _end(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._has_new.set()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.warning("what became of a message could not be recorded: %s", " ".join(str(error).split()))

    async def _claim(self, limit: int) -> list[ClaimedNotification]:
        async with transaction(self._pool) as connection:
            await check_lease(connection, self._ownership)
            dead = [owner for owner in await select_notification_claimants(connection) if is_dead(owner)]
            claim = Claim(self._ownership.owner, CLAIM_TTL, limit, PER_CHANNEL, dead)
            return await claim_notifications(connection, claim)

    async def _send(self, notification: ClaimedNotification) -> None:
        """Send one message and record what became of it."""
        async with self._pool.connection() as connection:
            channels = await select_channels(connection, [notification.channel_id] if notification.channel_id else [])
        try:
            if not channels:
                raise SendRefused("the channel does not exist any more")
            await self._sender.send(channels[0], self._message(notification, channels[0]))
        except SendRefused as error:
            await self._fail(notification, str(error), None)
        except SendFailed as error:
            is_last = notification.attempts >= notification.max_attempts
            chance = random.random()  # noqa: S311 # it only spreads attempts
            wait_s = error.wait_s or back_off_s(notification.attempts, self._options.first_wait_s, chance)
            await self._fail(notification, str(error), None if is_last else timedelta(seconds=wait_s))
        else:
            async with self._pool.connection() as connection:
                await update_notification_sent(connection, notification.id, self._ownership.owner)
            self._telemetry.notifications.labels("sent").inc()

    async def _fail(self, notification: ClaimedNotification, reason: str, wait: timedelta | None) -> None:
        log.warning("message %s, attempt %d: %s", notification.id, notification.attempts, reason)
        async with self._pool.connection() as connection:
            await update_notification_failed(connection, notification.id, self._ownership.owner, reason, wait)
        self._telemetry.notifications.labels("dead" if wait is None else "failed").inc()

    def _message(self, notification: ClaimedNotification, channel: ChannelRow) -> Message:
        letter = Letter(
            id=notification.id,
            kind=notification.kind,
            created_at=notification.created_at,
            channel=channel.name,
            route=notification.route_name,
            group=notification.group_key,
            step=notification.step,
            content=json.loads(notification.content),
            link=self._link(notification),
        )
        return write_message(letter, channel.language)

    def _link(self, notification: ClaimedNotification) -> str | None:
        until_at, url = notification.link_until_at, self._options.public_url
        if url is None or until_at is None or until_at <= datetime.now(UTC) or notification.link_used_at is not None:
            return None
        return url.rstrip("/") + PATH + make_token(self._link_key, notification.id)

    async def _keep_house(self) -> None:
        while True:
            async with self._pool.connection() as connection:
                await delete_notification_items_old(connection)
                counts = await select_notification_counts(connection)
            for state in ("waiting", "sending", "dead"):
                self._telemetry.notifications_kept.labels(state).set(counts.get(state, 0))
            await asyncio.sleep(HOUSEKEEPING_S)

    async def _finish(self) -> None:
        """Let messages that are leaving leave, and be recorded: what is cut off here would be sent twice."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=GRACE_S)


def notifier_of(pool: Pool, settings: NotifySettings, telemetry: Telemetry) -> Notifier:
    """Make the role as the settings want it."""
    options = NotifyOptions(
        public_url=settings.public_url,
        allowed_networks=settings.allowed_networks,
        link_lifetime=timedelta(hours=settings.link_hours),
        max_attempts=settings.max_attempts,
    )
    return Notifier(pool, options, telemetry)


def back_off_s(attempts: int, first_s: float, chance: float) -> float:
    """Twice as long after each attempt, an hour at most, up to a fifth more by chance."""
    return min(first_s * 2 ** (attempts - 1), LONGEST_WAIT_S) * (1 + chance / 5)
