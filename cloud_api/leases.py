"""Leases: who this process is, how it becomes the one that does a work, and how it stays it."""

import asyncio
import logging
import os
import re
import socket
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cloud_api.storage.faults import is_passing
from cloud_api.storage.lease import (
    LeaseLost,
    acquire_lease,
    read_lease_held,
    release_lease,
    renew_lease,
    select_lease_held,
    select_lease_owner,
)
from cloud_api.storage.pool import Connection, Pool

PAUSE_S = 1.0

log = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_OWNER = re.compile(r"(?P<host>.+)\|(?P<machine>[^|]+)\|(?P<pid>\d+)@(?P<started>\d+)\|[0-9a-f]{32}")


@dataclass(slots=True)
class Ownership:
    """The lease, the name under which this process holds it, and the token it holds now (None: it does not)."""

    name: str
    owner: str
    token: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether the lease was ours when we last looked; transactions look again themselves."""
        return self.token is not None


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How long a silent owner keeps the lease, and how often owners renew and others ask."""

    ttl_s: float = 10.0
    renew_s: float = 2.5
    ask_s: float = 0.5


class LeaseKeeper:
    """Waits for the lease, keeps it, gives it back."""

    def __init__(self, pool: Pool, ownership: Ownership, times: LeaseTimes) -> None:
        self._pool = pool
        self._ownership = ownership
        self._times = times
        self._ttl = timedelta(seconds=times.ttl_s)

    async def acquire(self) -> None:
        """Wait until this process owns the lease."""
        is_told = False
        while not await self._try():
            if not is_told:
                log.info("another process owns %s; this one waits for the lease", self._ownership.name)
                is_told = True
            await asyncio.sleep(self._times.ask_s)
        log.info("this process owns %s (token %s)", self._ownership.name, self._ownership.token)

    async def keep(self) -> None:
        """Renew until cancelled; LeaseLost when another process has it. An unreachable database changes no owner."""
        while True:
            await asyncio.sleep(self._times.renew_s)
            token = self._ownership.token
            if token is None:
                raise LeaseLost("given back")
            try:
                async with self._pool.connection() as connection:
                    await renew_lease(connection, self._ownership.name, self._ownership.owner, token, self._ttl)
            except LeaseLost:
                raise
            except Exception as error:  # noqa: BLE001 # every transaction looks at the lease itself
                log.warning("the lease %s cannot be renewed now: %s", self._ownership.name, error)

    async def release(self) -> None:
        """Give the lease back, if the database can be told."""
        token, self._ownership.token = self._ownership.token, None
        if token is None:
            return
        try:
            async with asyncio.timeout(self._times.renew_s), self._pool.connection() as connection:
                await release_lease(connection, self._ownership.name, self._ownership.owner, token)
        except Exception as error:  # noqa: BLE001 # it runs out by itself
            log.warning("the lease %s could not be given back: %s", self._ownership.name, error)

    async def _try(self) -> bool:
        async with self._pool.connection() as connection:
            mine = self._ownership
            owner = await select_lease_owner(connection, mine.name)
            dead = [owner] if owner is not None and is_dead(owner) else []
            mine.token = await acquire_lease(connection, mine.name, mine.owner, self._ttl, dead)
        return mine.is_held


# One part of the work: runs until it is cancelled.
Work = Callable[[Ownership], Coroutine[None, None, None]]


class LeasedWork:
    """Work that one process does for all: waits for the lease, works while it has it, starts over when it is lost."""

    def __init__(self, pool: Pool, name: str, times: LeaseTimes, work: Sequence[Work]) -> None:
        self.mine = Ownership(name, new_owner())
        self._work = work
        self._keeper = LeaseKeeper(pool, self.mine, times)

    async def run(self) -> None:
        """Work for ever, through lost leases and lost databases; what waiting does not heal is raised."""
        while True:
            try:
                await self._keeper.acquire()
                await self._own()
            except LeaseLost as error:
                log.warning("another process took over %s: %s", self.mine.name, error)
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("%s waits for the database: %s", self.mine.name, " ".join(str(error).split()))
                await asyncio.sleep(PAUSE_S)
            finally:
                await self._keeper.release()

    async def _own(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keeper.keep())
                for part in self._work:
                    tasks.create_task(part(self.mine))
        except ExceptionGroup as group:
            raise _worst(group.exceptions) from group


def _worst(errors: Sequence[Exception]) -> Exception:
    """What waiting does not heal comes first, then a lost lease, then the database."""
    serious = [error for error in errors if not (isinstance(error, LeaseLost) or is_passing(error))]
    lost = [error for error in errors if isinstance(error, LeaseLost)]
    return (serious or lost or list(errors))[0]


async def check_lease(connection: Connection, mine: Ownership) -> None:
    """Hold the lease until this transaction ends; LeaseLost when another process has taken it over."""
    if mine.token is None:
        raise LeaseLost("given back")
    await read_lease_held(await select_lease_held(connection, mine.name, mine.owner, mine.token))


def new_owner() -> str:
    """A name that no other process ever has: host, machine start and process namespace, process, chance."""
    pid = os.getpid()
    return f"{socket.gethostname()}|{_machine()}|{pid}@{_started(pid) or 0}|{uuid.uuid4().hex}"


def is_dead(owner: str) -> bool:
    """Whether this owner certainly runs no more: its machine or container is ours and its process is gone.

    Where that cannot be told the lease simply has to expire.
    """
    match = _OWNER.fullmatch(owner)
    if match is None or match["machine"] != _machine() or match["machine"] == "unknown":
        return False
    # A process id is used again some day, but not with the same start.
    return _started(int(match["pid"])) != int(match["started"])


def _started(pid: int) -> int | None:
    """When a process started, in ticks since the machine did; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The command may contain spaces and parentheses; what follows the last one does not.
    return int(stat.rpartition(")")[2].split()[19])


def _machine() -> str:
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
        return f"{boot}/{_PID_NAMESPACE.readlink()}"
    except OSError:
        return "unknown"
