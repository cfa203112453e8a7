"""Who reads a share: a key of it becomes a Guest, or the request is refused; and each read is written down."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cloud_api import origin
from cloud_api.auth.principal import REALM
from cloud_api.auth.tokens import is_proved
from cloud_api.problems import Kinds, Problem
from cloud_api.shares.terms import Terms
from cloud_api.shares.tokens import FORM, parse_share_token
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.pool import Connection, Pool, transaction
from cloud_api.storage.share_reads import RUNNING, NewRead, insert_share_read, spend_share_rows
from cloud_api.storage.shares import ShareRow, select_share, select_share_key, update_share_key_used

DONE = "done"


@dataclass(frozen=True, slots=True)
class Guest:
    """The holder of a key, and the share that it opens as it is now."""

    share: ShareRow
    terms: Terms
    key_id: int
    key_name: str
    key_kind: str
    # From where, and what the caller says it is.
    address: str
    client: str

    @property
    def heading(self) -> str:
        """Where this caller's requests are counted."""
        return f"share:{self.share.id}"


@dataclass(frozen=True, slots=True)
class Visit:
    """One read that has been let in: what was asked, and how many rows it may have."""

    guest: Guest
    read_id: int
    rows: int
    day: datetime


async def find_guest(connection: Connection, text: str, address: str, client: str) -> Guest:
    """Prove a key; every refusal says the same, so that nobody learns which part was right."""
    token = parse_share_token(text)
    if token is None:
        raise _unknown(f"a share's key has the form {FORM}")
    key = await select_share_key(connection, token.prefix)
    if not is_proved(token, key.hash if key else None) or key is None:
        raise _unknown("this key is not known")
    if key.revoked_at is not None or key.is_expired:
        raise _unknown("this key was revoked" if key.revoked_at else "this key has expired")
    share = await select_share(connection, key.share_id)
    assert share is not None
    if key.is_use_unnoted:
        await update_share_key_used(connection, key.id)
    origin.present().prove(f"share:{share.name}", f"share:{share.id}")
    return Guest(share, Terms.model_validate_json(share.terms), key.id, key.name, key.kind, address[:100], client[:200])


async def let_in(pool: Pool, guest: Guest, what: str, question: Mapping[str, Any], rows: int) -> Visit:
    """Take the rows of a read from what is left and write it down; a Problem, written down too, when it may not be."""
    async with transaction(pool) as connection:
        is_open = await spend_share_rows(connection, guest.share.id, guest.key_id, guest.share.version, rows)
        problem = None if is_open else await _why(connection, guest, rows)
        outcome = RUNNING if problem is None else problem.kind.name
        read_id = await _write_down(connection, guest, what, question, outcome)
        detail = {"read": read_id, "key": guest.key_name, "what": what, "rows": rows, "question": question}
        if problem is not None:
            detail["refused"] = outcome
        await insert_audit(connection, f"share:{guest.share.name}", "share.read", str(guest.share.id), detail)
    if problem is not None:
        raise problem
    return Visit(guest, read_id, rows, datetime.now(UTC))


async def write_refusal(pool: Pool, guest: Guest, what: str, question: Mapping[str, Any], problem: Problem) -> None:
    """Write down a read that the terms forbid."""
    async with transaction(pool) as connection:
        await _write_down(connection, guest, what, question, problem.kind.name)
        detail = {"key": guest.key_name, "what": what, "question": question, "refused": problem.kind.name}
        await insert_audit(connection, f"share:{guest.share.name}", "share.read", str(guest.share.id), detail)


def left(share: ShareRow) -> int | None:
    """How many rows may still be read now; None where there is no limit."""
    limits = [
        most - spent
        for most, spent in ((share.rows_total, share.spent_rows), (share.rows_per_day, share.spent_day_rows))
        if most is not None
    ]
    return max(0, min(limits)) if limits else None


def ended(share: ShareRow) -> str | None:
    """Why a share cannot be read, if that is so."""
    if share.state != "active":
        return "it was revoked" if share.state == "revoked" else "it is paused"
    return "it has expired" if share.is_expired else None


async def _write_down(
    connection: Connection, guest: Guest, what: str, question: Mapping[str, Any], outcome: str
) -> int:
    read = NewRead(
        guest.share.id, guest.key_id, guest.share.version, guest.address, guest.client, what, question, outcome
    )
    return await insert_share_read(connection, read)


async def _why(connection: Connection, guest: Guest, rows: int) -> Problem:
    share = await select_share(connection, guest.share.id)
    assert share is not None
    reason = ended(share)
    remaining = left(share)
    if reason is None and remaining is not None and rows > remaining:
        detail = f"{rows} rows are asked for, and {remaining} are left"
        is_over = share.rows_total is not None and share.rows_total - share.spent_rows < rows
        midnight = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        wait_s = int((midnight - datetime.now(UTC)).total_seconds()) + 1
        headers = {} if is_over else {"Retry-After": str(wait_s)}
        return Problem(Kinds.SHARE_SPENT, detail, headers=headers, more={"rows": rows, "left": remaining})
    return Problem(Kinds.SHARE_ENDED, reason or "its terms or its key have just been changed; ask again")


def _unknown(detail: str) -> Problem:
    challenge = f'Bearer realm="{REALM}", error="invalid_token", error_description="{detail}"'
    return Problem(Kinds.KEY_INVALID, detail, headers={"WWW-Authenticate": challenge})
