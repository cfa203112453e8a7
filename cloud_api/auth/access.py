"""What a route asks of its caller: dependencies that prove the key and weigh its role."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from cloud_api.auth.principal import REALM, Principal, find_principal, read_bearer
from cloud_api.auth.roles import Role, Scope, is_enough
from cloud_api.problems import Kinds, Problem, problem_responses
from cloud_api.storage.database import Database
from cloud_api.storage.pool import Pool

# For OpenAPI alone: the key itself is read below, so that every refusal is a problem document.
_BEARER = HTTPBearer(auto_error=False, bearerFormat="ms_<prefix>_<secret>", description="An API key")

PATIENCE_S = 3.0
LOOPBACK = frozenset({"127.0.0.1", "::1"})
REFUSALS = (Kinds.KEY_MISSING, Kinds.KEY_INVALID, Kinds.ROLE_INSUFFICIENT, Kinds.DATABASE_UNAVAILABLE)


def read_pool(request: Request) -> Pool:
    """Hand over the process's pool; DatabaseUnreachable until the database has been reached."""
    database: Database = request.state.database
    return database.pool


PoolOf = Annotated[Pool, Depends(read_pool)]


async def read_principal(request: Request, pool: PoolOf) -> Principal:
    """Prove the key of this request."""
    text = read_bearer(request.headers.get("Authorization"))
    # The first thing every request needs: a database that is away is said after seconds, not after a client's patience.
    async with pool.connection(timeout=PATIENCE_S) as connection:
        return await find_principal(connection, text)


Caller = Annotated[Principal, Depends(read_principal)]


def needs(role: Role, *instead: Scope) -> Callable[..., Awaitable[Principal]]:
    """Ask for a role, or for one of the scopes that stand in for it."""

    async def check(principal: Caller, _documented: Annotated[object, Depends(_BEARER)] = None) -> Principal:
        if is_enough(principal.role, role) or principal.scopes.intersection(instead):
            return principal
        raise _insufficient(principal, role, instead)

    return check


def role_line(role: Role, *instead: Scope) -> str:
    """Say in an operation's description who may call it."""
    scopes = "".join(f", or a key with the scope `{scope}`" for scope in instead)
    return f"\n\nNeeds the role `{role}`{scopes}."


Viewer = Annotated[Principal, Depends(needs(Role.VIEWER))]
Engineer = Annotated[Principal, Depends(needs(Role.ENGINEER))]
Admin = Annotated[Principal, Depends(needs(Role.ADMIN))]
Feeder = Annotated[Principal, Depends(needs(Role.ENGINEER, Scope.INGEST))]


async def check_metrics_reader(request: Request) -> None:
    """Let loopback read the metrics, and keys with the scope `metrics`.

    Behind a proxy on the same machine every caller has a loopback address, so a forwarded request needs its key.
    """
    host = request.client.host if request.client else ""
    is_forwarded = "forwarded" in request.headers or "x-forwarded-for" in request.headers
    if host in LOOPBACK and not is_forwarded:
        return
    principal = await read_principal(request, read_pool(request))
    if not (Scope.METRICS in principal.scopes or is_enough(principal.role, Role.ADMIN)):
        raise _insufficient(principal, Role.ADMIN, (Scope.METRICS,))


def refusals(*kinds: Kinds) -> dict[int | str, dict[str, object]]:
    """Describe the refusals that every guarded operation has, and these."""
    return problem_responses(*REFUSALS, *kinds)


def _insufficient(principal: Principal, role: Role, instead: tuple[Scope, ...]) -> Problem:
    wanted = " or ".join([f"the role {role}", *(f"the scope {scope}" for scope in instead)])
    shown = f"the key {principal.name!r} has the role {principal.role or 'none'}"
    challenge = f'Bearer realm="{REALM}", error="insufficient_scope"'
    return Problem(Kinds.ROLE_INSUFFICIENT, f"{shown}; needed: {wanted}", headers={"WWW-Authenticate": challenge})
