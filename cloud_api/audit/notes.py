"""Answers that the audit must know of: refusals, and data that leave as files; a flood is counted, not listed."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from cloud_api.audit.tally import Note, Row, Tally
from cloud_api.formats.accept import Format
from cloud_api.origin import printable
from cloud_api.problems import Kinds
from cloud_api.storage.audit import Outcome, insert_audit_from
from cloud_api.storage.failures import UNAVAILABLE
from cloud_api.storage.pool import Pool
from cloud_api.witness import Answer

UNKNOWN = "unknown"
PATIENCE_S = 3.0
LOOK_S = 1.0
KEPT_ROWS = 1_000
LONGEST_SUBJECT = 1_000
# The media types in which data leave as files; pages of JSON are what programs and people look at.
FILES = frozenset({Format.CSV, Format.ARROW, Format.PARQUET, "application/toml"})
_REFUSALS = {
    Kinds.LOGIN_REFUSED: "login.refuse",
    Kinds.LOGIN_LOCKED: "login.locked",
    Kinds.SECOND_FACTOR_NEEDED: "login.second_factor",
    Kinds.KEY_MISSING: "access.refuse",
    Kinds.KEY_INVALID: "access.refuse",
    Kinds.ROLE_INSUFFICIENT: "access.refuse",
    Kinds.PASSWORD_CHANGE_NEEDED: "access.refuse",
    Kinds.OUTSIDE_REACH: "access.refuse",
    Kinds.FORGED_REQUEST: "access.refuse",
    Kinds.SHARE_ENDED: "access.refuse",
}
REFUSALS = {kind.value.name: action for kind, action in _REFUSALS.items()}
# Where in a listing a page begins says nothing about what was taken.
_UNSAID = frozenset({"cursor", "limit"})

log = logging.getLogger(__name__)


class AuditNotes:
    """Writes what is told at once before the answer leaves, and counts a little later."""

    def __init__(self, find_pool: Callable[[], Pool], tally: Tally) -> None:
        self._find_pool = find_pool
        self._tally = tally
        self._waiting: deque[Row] = deque(maxlen=KEPT_ROWS)

    async def see(self, answer: Answer) -> None:
        """Take note of a refusal or an export. An export that cannot be written down does not leave."""
        noted = _refusal(answer) or _export(answer)
        if noted is None:
            return
        row = self._tally.note(*noted, time.time())
        if row is None:
            return
        try:
            await self._write([row])
        except UNAVAILABLE as error:
            if row.note.outcome == Outcome.DONE:
                raise
            log.warning("the audit waits for the database: %s", " ".join(str(error).split()))
            self._waiting.append(row)

    async def run(self) -> None:
        """Write counts, window by window, until cancelled; then what is left."""
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                await self._tell(is_end=False)
        finally:
            async with asyncio.timeout(PATIENCE_S):
                await self._tell(is_end=True)

    async def _tell(self, *, is_end: bool) -> None:
        self._waiting.extend(self._tally.due(time.time(), is_end=is_end))
        if not self._waiting:
            return
        try:
            await self._write(list(self._waiting))
        except UNAVAILABLE as error:
            log.warning("the audit waits for the database: %s", " ".join(str(error).split()))
        else:
            self._waiting.clear()

    async def _write(self, rows: list[Row]) -> None:
        pool = self._find_pool()
        async with pool.connection(timeout=PATIENCE_S) as connection, connection.transaction():
            for row in rows:
                note = row.note
                whence = (note.who, note.address, note.via)
                outcome = Outcome(note.outcome)
                await insert_audit_from(connection, whence, note.action, note.subject, _detail(row), outcome)


def _refusal(answer: Answer) -> tuple[Note, dict[str, Any]] | None:
    action = REFUSALS.get(answer.problem or "")
    origin = answer.origin
    if action is None or origin.is_told:
        return None
    subject = origin.name if action.startswith("login.") else f"{answer.method} {answer.route}"
    note = Note(origin.name or UNKNOWN, origin.via, origin.address, action, subject, Outcome.REFUSED)
    return note, {"why": answer.problem, "client": origin.client}


def _export(answer: Answer) -> tuple[Note, dict[str, Any]] | None:
    if answer.media_type not in FILES or not 200 <= answer.status < 300:
        return None
    origin = answer.origin
    asked = {name: printable(value) for name, value in parse_qsl(answer.query) if name not in _UNSAID}
    detail = {"format": answer.media_type, "query": asked} | origin.described
    # What differs from one to the next has a row of its own.
    said = msgspec.json.encode(detail, enc_hook=str).decode()
    subject = printable(f"{answer.method} {answer.path} {said}", LONGEST_SUBJECT)
    note = Note(origin.name or UNKNOWN, origin.via, origin.address, "data.export", subject, Outcome.DONE)
    return note, detail


def _detail(row: Row) -> dict[str, Any]:
    if row.count == 1 and row.first_s == row.last_s and row.detail:
        return row.detail
    times = {name: datetime.fromtimestamp(at, UTC).isoformat() for name, at in _times(row)}
    return row.detail | {"count": row.count} | times


def _times(row: Row) -> tuple[tuple[str, float], ...]:
    return (("first_at", row.first_s), ("last_at", row.last_s))
