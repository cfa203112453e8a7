"""The composer: settings in, one FastAPI application out; its lifespan holds the database, ingest and their state."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, TypedDict

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from starlette.routing import BaseRoute

from cloud_api import problems, storage_refusals
from cloud_api.alarms.duty import AlarmDuty
from cloud_api.alarms.journal.feed import Feed
from cloud_api.alarms.leader import AlarmLeader
from cloud_api.alarms.lifecycle.seen import acknowledge_seen
from cloud_api.audit.duty import AuditDuty
from cloud_api.audit.notes import AuditNotes
from cloud_api.audit.tally import Tally
from cloud_api.audit.work import audit_work
from cloud_api.auth.pace import Pace
from cloud_api.auth.principal import REALM
from cloud_api.auth.standing import Standing
from cloud_api.calculations.leader import CalculationLeader
from cloud_api.guard.desk import GuardDesk
from cloud_api.guard.duty import GuardDuty
from cloud_api.health.checks import Checks, DiskForecast, check_database, check_ingest, check_rollups
from cloud_api.health.router import router as health
from cloud_api.housekeeping import keep_house
from cloud_api.ingest.router import Doors
from cloud_api.middleware import AskForKey, CallWitness, CountRequests, LimitBody, SecureHeaders, TimeBody
from cloud_api.notify.delivery.worker import notifier_of
from cloud_api.notify.links.router import AcknowledgeSeen, link_pages
from cloud_api.openapi import tidily
from cloud_api.query.feed import LiveFeed
from cloud_api.routes import ROUTERS
from cloud_api.server_events import Closing
from cloud_api.settings import CloudSettings, Role
from cloud_api.shares.page.router import share_pages
from cloud_api.slots import Slots
from cloud_api.storage.database import Database
from cloud_api.storage.pool import Pool
from cloud_api.telemetry import Telemetry
from cloud_api.unstorable import RefuseUnstorable
from cloud_api.users.first import wait_for_first_user
from cloud_api.users.oidc.login import BEGIN, CALLBACK, OidcLogin, login_of
from cloud_api.users.passwords import Passwords
from cloud_api.witness import Witness

if TYPE_CHECKING:
    from cloud_api.ingest.pipeline import Ingest
    from cloud_api.rollups.fresh import Fresh
    from cloud_api.rollups.fresh_roller import FreshRoller
    from cloud_api.rollups.roller import Roller

API = "/api/v1"
DOCS = ("/docs", "/static-offline-docs/")
OPEN = frozenset({f"{API}/login", BEGIN, CALLBACK})
# The console asks the same routes, inside its own process.
ANSWERING = frozenset({Role.API, Role.CONSOLE})

log = logging.getLogger(__name__)

# Called with the reason when the process cannot do its work and waiting would not help.
GiveUp = Callable[[str], None]


@dataclass(slots=True)
class RunningIngest:
    """The ingest of this process, once the database has been reached."""

    ingest: "Ingest | None" = None
    started_s: float = 0.0

    @property
    def doors(self) -> Doors | None:
        """What HTTP may ask of it."""
        return self.ingest


@dataclass(slots=True)
class RunningRoller:
    """The roller of this process, once the database has been reached."""

    roller: "Roller | None" = None
    started_s: float = 0.0


class State(TypedDict):
    """What routes find in `request.state`."""

    settings: CloudSettings
    telemetry: Telemetry
    database: Database
    ingest: RunningIngest
    rollups: RunningRoller
    query_slots: Slots
    pace: Pace
    passwords: Passwords
    oidc: OidcLogin | None
    closing: Closing
    alarm_feed: Feed
    live_feed: LiveFeed
    standing: Standing
    acknowledge_seen: AcknowledgeSeen
    audit_notes: AuditNotes
    guard: GuardDesk
    witnesses: Sequence[Witness]
    checks: Checks
    forecast: DiskForecast


def create_app(
    settings: CloudSettings, roles: frozenset[Role], give_up: GiveUp = log.critical, closing: Closing | None = None
) -> FastAPI:
    """Make the application for these roles; nothing is connected before its lifespan begins."""
    telemetry = Telemetry()
    closing = closing or Closing()
    app = FastAPIOffline(
        title="Millstream",
        version=version("millstream"),
        description="Series, samples, agents: every value with its source's time and status.",
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        lifespan=_lifespan(settings, roles, telemetry, give_up, closing),
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.router.routes.extend(_routes(is_answering=bool(roles & ANSWERING)))
    app.add_middleware(RefuseUnstorable, exempt=frozenset({f"{API}/samples", f"{API}/ingest"}))
    if roles & ANSWERING:
        app.add_middleware(AskForKey, prefix=API, open_paths=OPEN, challenge=f'Bearer realm="{REALM}"')
    app.add_middleware(LimitBody, max_bytes=settings.body_max_bytes)
    app.add_middleware(TimeBody, timeout_s=settings.body_timeout_s)
    app.add_middleware(SecureHeaders, docs=DOCS)
    app.add_middleware(CallWitness)
    app.add_middleware(CountRequests, telemetry=telemetry)
    problems.install(app)
    storage_refusals.install(app)
    app.openapi = tidily(app.openapi)
    return app


@cache
def _routes(*, is_answering: bool) -> tuple[BaseRoute, ...]:
    """Routes hold no state: all applications of a process share them, and what FastAPI builds of each at first use."""
    router = APIRouter(generate_unique_id_function=_operation_id)
    router.include_router(health)
    if is_answering:
        router.include_router(link_pages)
        router.include_router(share_pages)
        for each in ROUTERS:
            router.include_router(each, prefix=API)
    return tuple(router.routes)


def _operation_id(route: APIRoute) -> str:
    return route.name


def _lifespan(
    settings: CloudSettings, roles: frozenset[Role], telemetry: Telemetry, give_up: GiveUp, closing: Closing
) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    """Build the state, let the parts run beside the requests, and end them in reverse order."""
    oidc = login_of(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[State]:
        database = Database(settings.database_url, settings.database_pool_size)
        running, rollups = RunningIngest(), RunningRoller()
        notes = AuditNotes(lambda: database.pool, Tally(rows_per_hour=settings.audit.rows_per_hour))
        guard = GuardDesk(lambda: database.pool, settings.guard, telemetry)
        state = State(
            settings=settings,
            telemetry=telemetry,
            database=database,
            ingest=running,
            rollups=rollups,
            query_slots=Slots(settings.query_slots, settings.query_wait_s),
            pace=Pace(settings.rate_per_minute, settings.running_max, settings.streams_max),
            passwords=Passwords(),
            oidc=oidc,
            closing=closing,
            alarm_feed=Feed(lambda: database.pool, closing),
            live_feed=LiveFeed(lambda: database.pool, closing),
            standing=Standing(lambda: database.pool, timedelta(seconds=settings.session_idle_s)),
            checks=check_database(database)
            | (check_ingest(running) if Role.INGEST in roles else {})
            | (check_rollups(rollups) if Role.ROLLUPS in roles else {}),
            forecast=DiskForecast(database),
            acknowledge_seen=acknowledge_seen,
            audit_notes=notes,
            guard=guard,
            witnesses=(notes, guard),
        )
        work = asyncio.create_task(_work(state, roles), name="work")
        work.add_done_callback(lambda task: _tell_end(task, give_up))
        try:
            yield state
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await work
            await database.close()

    return lifespan


async def _work(state: State, roles: frozenset[Role]) -> None:
    """Everything that runs beside requests: first reach the database, then ingest and keep house, until cancelled."""
    # Whole before the first connection is made: the write path teaches psycopg types of its own.
    fresh = _load_fresh() if Role.INGEST in roles else None
    make_ingest = _load_ingest(state, fresh) if Role.INGEST in roles else None
    pool = await state["database"].open()
    async with asyncio.TaskGroup() as tasks:
        if make_ingest is not None:
            ingest = state["ingest"].ingest = make_ingest(pool)
            state["ingest"].started_s = time.monotonic()
            tasks.create_task(ingest.run(), name="ingest")
        if fresh is not None:
            tasks.create_task(_load_fresh_roller(state, pool, fresh).run(), name="minutes from memory")
        if Role.ALARMS in roles:
            tasks.create_task(AlarmDuty(pool).run(), name="alarms")
            tasks.create_task(AlarmLeader(pool).run(), name="alarm leader")
        if Role.ROLLUPS in roles:
            roller = state["rollups"].roller = _load_roller(state, pool, fresh)
            state["rollups"].started_s = time.monotonic()
            tasks.create_task(roller.run(), name="rollups")
            tasks.create_task(CalculationLeader(pool, state["telemetry"]).run(), name="calculations")
        if Role.NOTIFY in roles:
            tasks.create_task(notifier_of(pool, state["settings"].notify, state["telemetry"]).run(), name="notify")
        if Role.API in roles:
            await wait_for_first_user(pool, state["passwords"])
            tasks.create_task(keep_house(pool, state["settings"].session_idle_s), name="housekeeping")
            tasks.create_task(
                AuditDuty(pool, audit_work(pool, state["settings"], state["telemetry"])).run(), name="audit"
            )
            tasks.create_task(state["audit_notes"].run(), name="audit notes")
            duty = GuardDuty(pool, state["settings"].guard.quiet_s, state["telemetry"])
            tasks.create_task(duty.run(), name="security alarms")
        if Role.API in roles or Role.INGEST in roles:
            tasks.create_task(state["guard"].run(), name="security events")


def _load_ingest(state: State, fresh: "Fresh | None") -> "Callable[[Pool], Ingest]":
    # A process that only answers queries loads neither the broker's client nor the write path.
    from cloud_api.alarms.evaluation.inline import InlineEvaluation
    from cloud_api.ingest.pipeline import Ingest, IngestOptions

    settings = state["settings"]
    options = IngestOptions(
        mqtt=settings.mqtt, topic_root=settings.topic_root, reject_max_bytes=settings.reject_max_bytes
    )
    return lambda pool: Ingest(pool, options, state["telemetry"], InlineEvaluation, state["guard"].observe, fresh)


def _load_fresh() -> "Fresh":
    from cloud_api.rollups.fresh import Fresh

    return Fresh()


def _load_fresh_roller(state: State, pool: Pool, fresh: "Fresh") -> "FreshRoller":
    from cloud_api.rollups.fresh_roller import FreshRoller

    def is_left() -> bool:
        roller = state["rollups"].roller
        return roller is not None and roller.is_owner

    return FreshRoller(pool, state["telemetry"], fresh, is_left)


def _load_roller(state: State, pool: Pool, fresh: "Fresh | None") -> "Roller":
    from cloud_api.retention.keeping import Retention
    from cloud_api.rollups.roller import Roller

    retention = Retention(pool, state["settings"].retention, state["telemetry"])
    return Roller(pool, state["telemetry"], beside=[retention.run], fresh=fresh)


def _tell_end(task: asyncio.Task[None], give_up: GiveUp) -> None:
    error = None if task.cancelled() else task.exception()
    if error is None:
        return
    causes = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    log.error("the cloud cannot go on", exc_info=error)
    give_up("; ".join(f"{type(cause).__name__}: {cause}" for cause in causes))
