"""The lease rows: who does what only one process may, fenced by a token that every takeover raises."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from cloud_api.storage.pool import Connection, Cursor
from cloud_api.storage.statements import statement


class LeaseLost(Exception):
    """Another process has taken the lease over; what this transaction wrote must not count."""


async def acquire_lease(
    connection: Connection, name: str, owner: str, ttl: timedelta, dead: Sequence[str]
) -> int | None:
    """Take the lease if it is free, expired, ours, or of an owner known to be dead; the token, or None."""
    parameters = {"name": name, "owner": owner, "ttl": ttl, "dead": list(dead)}
    return await _token(connection, "acquire_lease", parameters)


async def renew_lease(connection: Connection, name: str, owner: str, token: int, ttl: timedelta) -> None:
    """Stay the owner; LeaseLost if that is over."""
    parameters = {"name": name, "owner": owner, "token": token, "ttl": ttl}
    if await _token(connection, "renew_lease", parameters) is None:
        raise LeaseLost("the lease has another owner")


async def release_lease(connection: Connection, name: str, owner: str, token: int) -> None:
    """Give it up so that the next owner need not wait."""
    await connection.execute(statement("release_lease"), {"name": name, "owner": owner, "token": token})


async def select_lease_held(connection: Connection, name: str, owner: str, token: int) -> Cursor:
    """Hold the lease until this transaction ends; the cursor is read when a pipeline has ended."""
    return await connection.execute(statement("select_lease_held"), {"name": name, "owner": owner, "token": token})


async def read_lease_held(cursor: Cursor) -> int:
    """The series generation, or LeaseLost."""
    row = await cursor.fetchone()
    if row is None:
        raise LeaseLost("the lease has another owner")
    return int(row[0])


async def select_lease_owner(connection: Connection, name: str) -> str | None:
    """Who holds it now."""
    cursor = await connection.execute(statement("select_lease_owner"), {"name": name})
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def select_series_generation(connection: Connection, name: str) -> int:
    """A number that grows whenever somebody changes what ingest remembers of series."""
    return await _token(connection, "select_series_generation", {"name": name}) or 0


async def _token(connection: Connection, name: str, parameters: Mapping[str, object]) -> int | None:
    cursor = await connection.execute(statement(name), parameters)
    row = await cursor.fetchone()
    return None if row is None else int(row[0])
