"""Takes what watches see, in any process: coalesced, then written down where one process makes alarms of it."""

import asyncio
import ipaddress
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from cloud_api.audit_settings import GuardSettings
from cloud_api.guard.agents import AgentWatch
from cloud_api.guard.callers import CallerWatch
from cloud_api.guard.kinds import LONGEST_SUBJECT, OTHERS, EventKind, Sighting
from cloud_api.origin import printable
from cloud_api.storage.audit import Outcome, insert_audit_from
from cloud_api.storage.failures import UNAVAILABLE
from cloud_api.storage.pool import Connection, Pool
from cloud_api.storage.security_events import upsert_api_key_address, upsert_security_event
from cloud_api.telemetry import Telemetry
from cloud_api.witness import Answer, Observation

LOOK_S = 0.5
PATIENCE_S = 3.0
# So many subjects of a kind have an alarm of their own at a time; the rest have one together.
MOST_SUBJECTS = 20
MOST_WAITING = 1_000
DAY_S = 86_400.0
KEYS_MAX = 20_000
_KEY = "key:"

log = logging.getLogger(__name__)

KeyUse = tuple[str, str, str]  # prefix, name, address
Waiting = dict[tuple[EventKind, str], tuple[str, int]]  # detail and count by kind and subject


class GuardDesk:
    """One for each process: a witness of answers, an observer of batches, and the way into the database."""

    def __init__(self, find_pool: Callable[[], Pool], settings: GuardSettings, telemetry: Telemetry) -> None:
        self._find_pool = find_pool
        self._telemetry = telemetry
        self._callers = CallerWatch(settings)
        self._agents = AgentWatch(settings)
        self._waiting: Waiting = {}
        self._uses: deque[KeyUse] = deque(maxlen=MOST_WAITING)
        self._used: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def see(self, answer: Answer) -> None:
        """Look at an answer; nothing is asked of the database here."""
        self._note_key(answer)
        self._take(self._callers.see(answer, time.monotonic()))

    def observe(self, seen: Sequence[Observation]) -> None:
        """Look at batches that were committed."""
        for each in seen:
            self._take(self._agents.see(each))

    async def run(self) -> None:
        """Write down what was seen, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if not (self._waiting or self._uses):
                continue
            waiting, self._waiting = self._waiting, {}
            uses, self._uses = self._uses, deque[KeyUse](maxlen=MOST_WAITING)
            try:
                async with self._find_pool().connection(timeout=PATIENCE_S) as connection, connection.transaction():
                    await _write(connection, waiting)
                    strange = [use for use in uses if await _is_strange(connection, use)]
            except UNAVAILABLE as error:
                log.warning("security events wait for the database: %s", " ".join(str(error).split()))
                self._waiting = added(waiting, self._waiting)
                self._uses.extendleft(reversed(uses))
            else:
                self._take([Sighting(EventKind.KEY_ADDRESS, f"{name} ({prefix})", at) for prefix, name, at in strange])

    def _take(self, sightings: Sequence[Sighting]) -> None:
        for each in sightings:
            self._telemetry.security_events.labels(each.kind).inc()
            subject = each.subject if len(self._waiting) < MOST_WAITING else OTHERS
            _, count = self._waiting.get((each.kind, subject), ("", 0))
            self._waiting[each.kind, subject] = (each.detail, count + 1)

    def _note_key(self, answer: Answer) -> None:
        """Remember a key at an address that this process has not seen today."""
        origin = answer.origin
        if not (origin.is_proved and origin.address and origin.via and origin.via.startswith(_KEY)):
            return
        prefix, block = origin.via.removeprefix(_KEY), block_of(origin.address)
        now_s = time.monotonic()
        seen_s = self._used.get((prefix, block))
        if seen_s is not None and now_s - seen_s < DAY_S:
            return
        self._used[prefix, block] = now_s
        if len(self._used) > KEYS_MAX:
            self._used.popitem(last=False)
        self._uses.append((prefix, origin.name or "", block))


def added(earlier: Waiting, later: Waiting) -> Waiting:
    """Both together: what happened in either is counted, and the later detail tells it."""
    together = dict(earlier)
    for each, (detail, count) in later.items():
        _, before = together.get(each, ("", 0))
        together[each] = (detail, before + count)
    return together


async def _write(connection: Connection, waiting: Waiting) -> None:
    for (kind, subject), (detail, count) in waiting.items():
        seen = (kind.value, printable(subject, LONGEST_SUBJECT), printable(detail))
        await upsert_security_event(connection, seen, count, most=MOST_SUBJECTS, others=OTHERS)


async def _is_strange(connection: Connection, use: KeyUse) -> bool:
    """Whether a key was used elsewhere before and never here; then the audit says so."""
    prefix, name, address = use
    if not await upsert_api_key_address(connection, prefix, address):
        return False
    whence = (name, address, f"{_KEY}{prefix}")
    await insert_audit_from(connection, whence, "api_key.new_address", prefix, {}, Outcome.DONE)
    return True


def block_of(address: str) -> str:
    """The address, or of IPv6 the network of 64 bits: within it addresses change every day."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return printable(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
