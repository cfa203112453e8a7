"""Ingest of one process: wait for the lease, then receive, decode, resolve, write, evaluate, commit, ack, PUBACK."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from cloud_api.ingest.acks import resume_ack
from cloud_api.ingest.book import LedgerBook, entry_of
from cloud_api.ingest.certificates import CertificateDays
from cloud_api.ingest.hand_over import HandOver
from cloud_api.ingest.inbox.replays import replay_payload
from cloud_api.ingest.inbox.rules import RuleKeeper
from cloud_api.ingest.incoming import Arrival, ByHand, Replay, kept_part
from cloud_api.ingest.lane import LaneLimits, LaneWorker
from cloud_api.ingest.mapping import Mapping, MappingInvalid
from cloud_api.ingest.notices import NoticeDesk
from cloud_api.ingest.posts import samples_payload
from cloud_api.ingest.rejects import RejectStore
from cloud_api.ingest.results import BatchResult, IngestOverloaded, NotOwner, RejectMissing, RejectReplayed
from cloud_api.ingest.series_map import SeriesMap
from cloud_api.ingest.subscriber import Subscriber
from cloud_api.ingest.watch import Watch
from cloud_api.ingest.writer import Evaluate, IngestState
from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, new_owner
from cloud_api.settings import MqttSettings
from cloud_api.storage.agents import INGEST_LEASE, select_known_agents
from cloud_api.storage.engine import Partitions, check_durability, detect_engine
from cloud_api.storage.entries import ENTRIES_AGENT
from cloud_api.storage.faults import is_passing
from cloud_api.storage.lease import LeaseLost
from cloud_api.storage.ledger import select_newest_epochs
from cloud_api.storage.migrate import check_schema
from cloud_api.storage.pool import Pool
from cloud_api.storage.rejects import RejectForm, StoredReject, select_reject_payload
from cloud_api.telemetry import Lane, Telemetry
from cloud_api.witness import Observe
from schemas.ack import Ack
from schemas.sample import Sample
from schemas.topics import DEFAULT_ROOT, Topics

# Who was not heard for so long is not told that a new owner is there; it hears so by its first unanswered batch.
KNOWN_FOR = timedelta(days=7)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """What ingest is told; no broker means HTTP only."""

    mqtt: MqttSettings | None = None
    topic_root: str = DEFAULT_ROOT
    reject_max_bytes: int = 1024**3
    answer_timeout_s: float = 30.0
    watch_every_s: float = 2.0
    rules_every_s: float = 10.0
    lease: LeaseTimes = field(default_factory=LeaseTimes)
    live: LaneLimits = field(default_factory=LaneLimits)
    backlog: LaneLimits = field(default_factory=LaneLimits)


class Ingest:
    """The ingest of one process; `run` is its one task, the other methods are its HTTP doors."""

    def __init__(
        self,
        pool: Pool,
        options: IngestOptions,
        telemetry: Telemetry,
        make_evaluate: Callable[[], Evaluate] | None = None,
        observe: Observe | None = None,
        hand_over: HandOver | None = None,
    ) -> None:
        self._pool = pool
        self._options = options
        self._telemetry = telemetry
        self._make_evaluate = make_evaluate
        self._observe = observe
        self._hand_over = hand_over
        self._ownership = Ownership(INGEST_LEASE, new_owner())
        self._topics = Topics(options.topic_root)
        self._lanes: tuple[LaneWorker, LaneWorker] | None = None
        self._subscriber: Subscriber | None = None
        self._is_announcing = asyncio.Event()
        self._watch = Watch(pool, None if options.mqtt is None else lambda: self.is_subscribed, options.watch_every_s)

    @property
    def is_owner(self) -> bool:
        """Whether this process owns ingest and its lanes run."""
        return self._lanes is not None

    @property
    def is_subscribed(self) -> bool:
        """Whether batches can come in by MQTT."""
        return self._subscriber is not None and self._subscriber.is_subscribed

    async def run(self) -> None:
        """Ingest for ever; only a database that is not fit for it ends this, or a cancellation."""
        keeper = LeaseKeeper(self._pool, self._ownership, self._options.lease)
        pause_s = 0.5
        while True:
            try:
                state = await self._state()
                await keeper.acquire()
                if self._hand_over is not None:
                    self._hand_over.restart()
                await self._own(state, keeper)
            except LeaseLost as error:
                log.warning("ingest is no longer owned by this process: %s", error)
            except Exception as error:
                if not is_passing(error):
                    raise
                self._watch.note_failure()
                log.warning("ingest waits for the database: %s", error)
                await asyncio.sleep(pause_s)
            finally:
                await keeper.release()

    async def ingest_payloads(self, payloads: Sequence[bytes], agent: str | None) -> list[BatchResult]:
        """Take batches over HTTP; returns after COMMIT. `agent` is whom the caller may speak for, None is anybody."""
        waiting: list[asyncio.Future[BatchResult | None]] = []
        for payload in payloads:
            kept, wire_bytes = kept_part(payload)
            waiting.append(self._offer(kept, agent, wire_bytes=wire_bytes))
        return [await self._answer(future) for future in waiting]

    async def store_samples(self, source_agent: str, samples: Sequence[Sample]) -> BatchResult:
        """Take samples without a batch as those of `source_agent`; returns after COMMIT."""
        payload = samples_payload(samples, _now_us())
        return await self._answer(self._offer(payload, source_agent, is_numbered=False))

    async def store_entry(self, sample: Sample, by_hand: ByHand) -> BatchResult:
        """Take one sample that a person has entered; returns after COMMIT, which holds the entry as well."""
        payload = samples_payload([sample], _now_us())
        return await self._answer(self._offer(payload, ENTRIES_AGENT, is_numbered=False, by_hand=by_hand))

    async def replay_reject(self, reject_id: int, principal: str, mapping: Mapping | None = None) -> BatchResult:
        """Send a reject through again, past the ledger; returns after COMMIT, and the reject stays if it fails."""
        self._require_lanes()
        reject = await self._reject(reject_id)
        replay = Replay(reject_id, principal)
        if reject.form is RejectForm.SAMPLES:
            payload = replay_payload(reject.path or "", reject.payload, mapping or Mapping())
            waiting = self._offer(payload, reject.agent, is_numbered=False, replay=replay)
        elif mapping is not None and not mapping.is_empty:
            raise MappingInvalid("a whole payload has no samples that could be mapped")
        else:
            # Whoever replays a whole payload answers for the agent that it names.
            waiting = self._offer(reject.payload, None, is_numbered=False, replay=replay)
        try:
            return await self._answer(waiting)
        except IngestOverloaded:
            await self._reject(reject_id)
            raise

    async def _state(self) -> IngestState:
        async with self._pool.connection() as connection:
            await check_schema(connection)
            await check_durability(connection)
            engine = await detect_engine(connection)
        return IngestState(
            pool=self._pool,
            engine=engine,
            ownership=self._ownership,
            book=LedgerBook(),
            series=SeriesMap(),
            rejects=RejectStore(self._options.reject_max_bytes),
            partitions=Partitions(),
            telemetry=self._telemetry,
            # Another process may have owned ingest meanwhile: nothing is remembered from one ownership to the next.
            evaluate=None if self._make_evaluate is None else self._make_evaluate(),
            observe=self._observe,
            hand_over=self._hand_over,
        )

    async def _own(self, state: IngestState, keeper: LeaseKeeper) -> None:
        """Be the owner until the lease is lost: one task a lane, one a session, one that renews."""
        backlog = LaneWorker(state, Lane.BACKLOG, self, self._options.backlog)
        live = LaneWorker(state, Lane.LIVE, self, self._options.live, slow_lane=backlog)
        desk = NoticeDesk(self._pool)
        self._lanes = (live, backlog)
        self._telemetry.has_lease.set(1)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(keeper.keep())
                group.create_task(self._watch.run())
                group.create_task(RuleKeeper(self._pool, self, self._telemetry, self._options.rules_every_s).run())
                group.create_task(CertificateDays(self._pool, self._telemetry).run())
                group.create_task(live.run())
                group.create_task(backlog.run())
                if self._options.mqtt is not None:
                    doors = (live, backlog, desk)
                    self._subscriber = Subscriber(self._options.mqtt, self._topics, doors, self._is_announcing.set)
                    group.create_task(desk.run())
                    group.create_task(self._subscriber.run())
                    group.create_task(self._announce())
        except* LeaseLost as lost:
            raise LeaseLost("another process took it over") from lost
        finally:
            self._lanes, self._subscriber = None, None
            self._telemetry.has_lease.set(0)
            live.drop_all()
            backlog.drop_all()

    async def _announce(self) -> None:
        """After every subscription ask the agents to send again: the broker keeps nothing for us."""
        while True:
            await self._is_announcing.wait()
            self._is_announcing.clear()
            try:
                async with self._pool.connection() as connection:
                    rows = await select_newest_epochs(connection, KNOWN_FOR)
                    agents = await select_known_agents(connection, KNOWN_FOR)
            except Exception as error:  # noqa: BLE001 # agents ask again by themselves, only later
                log.warning("agents could not be told to resume: %s", error)
                continue
            for row in rows:
                self.send_ack(row.agent, resume_ack(row.epoch, entry_of(row)))
            for agent in set(agents) - {row.agent for row in rows}:
                self.send_ack(agent, Ack(epoch=bytes(16), is_resume=True))

    def send_ack(self, agent: str, ack: Ack) -> None:
        """Publish an acknowledgement, if there is a session to do it by."""
        if self._subscriber is not None:
            self._subscriber.send_ack(agent, ack)

    def _require_lanes(self) -> tuple[LaneWorker, LaneWorker]:
        if self._lanes is None:
            raise NotOwner("this process does not own ingest now")
        return self._lanes

    def _offer(
        self,
        payload: bytes,
        agent: str | None,
        *,
        is_numbered: bool = True,
        wire_bytes: int | None = None,
        replay: Replay | None = None,
        by_hand: ByHand | None = None,
    ) -> asyncio.Future[BatchResult | None]:
        live, backlog = self._require_lanes()
        waiting: asyncio.Future[BatchResult | None] = asyncio.get_running_loop().create_future()

        def settle(result: BatchResult | None) -> None:
            if not waiting.done():
                waiting.set_result(result)

        arrival = Arrival(
            payload=payload,
            lane=Lane.HTTP,
            topic=None,
            agent=agent,
            received_us=_now_us(),
            settle=settle,
            wire_bytes=wire_bytes,
            is_numbered=is_numbered,
            replay=replay,
            by_hand=by_hand,
        )
        # History goes by the lane where it cannot hold up anything live.
        lane = live if replay is None else backlog
        if not lane.offer(arrival):
            raise IngestOverloaded("too much is waiting; send it again later")
        return waiting

    async def _answer(self, waiting: asyncio.Future[BatchResult | None]) -> BatchResult:
        try:
            result = await asyncio.wait_for(waiting, self._options.answer_timeout_s)
        except TimeoutError as error:
            raise IngestOverloaded("not committed in time; sending it again is safe") from error
        if result is None:
            self._require_lanes()
            raise IngestOverloaded("not committed; sending it again is safe")
        return result

    async def _reject(self, reject_id: int) -> StoredReject:
        async with self._pool.connection() as connection:
            reject = await select_reject_payload(connection, reject_id)
        if reject is None:
            raise RejectMissing(f"there is no reject {reject_id}")
        if reject.replayed_at is not None:
            raise RejectReplayed(f"reject {reject_id} was replayed before")
        return reject


def _now_us() -> int:
    return time.time_ns() // 1000
