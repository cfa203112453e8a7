"""What a route asks of its caller: dependencies that prove the key and weigh its role."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from cloud_api.auth.pace import Pace
from cloud_api.auth.principal import REALM, Principal, find_principal, read_bearer
from cloud_api.auth.roles import Role, Scope, is_enough
from cloud_api.auth.session_tokens import COOKIE, PROOF_HEADER, is_proof, is_session_token
from cloud_api.problems import Kinds, Problem, problem_responses
from cloud_api.settings import CloudSettings
from cloud_api.storage.database import Database
from cloud_api.storage.pool import Pool
from cloud_api.storage.reach import reached_pool

# For OpenAPI alone: the key itself is read below, so that every refusal is a problem document.
BEARER = HTTPBearer(auto_error=False, bearerFormat="ms_<prefix>_<secret>", description="An API key")

PATIENCE_S = 3.0
UNLIMITED = "ask with a key or a user that reaches everything (**)"
LOOPBACK = frozenset({"127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# A question that is too long for an address is posted and changes nothing.
QUERY_END = "/query"
REFUSALS = (
    Kinds.KEY_MISSING,
    Kinds.KEY_INVALID,
    Kinds.ROLE_INSUFFICIENT,
    Kinds.PASSWORD_CHANGE_NEEDED,
    Kinds.FORGED_REQUEST,
    Kinds.OUTSIDE_REACH,
    Kinds.TOO_MANY_REQUESTS,
    Kinds.DATABASE_UNAVAILABLE,
)


# Dependencies that wait for nothing are coroutines all the same: FastAPI would send others to a thread.
async def read_whole_pool(request: Request) -> Pool:
    """Hand over the process's pool; DatabaseUnreachable until the database has been reached."""
    database: Database = request.state.database
    return database.pool


# For what is about callers themselves: log-in, users, keys. Everything else asks for `PoolOf`.
WholePool = Annotated[Pool, Depends(read_whole_pool)]


async def read_principal(request: Request, pool: WholePool) -> Principal:
    """Prove the key or the session of this request."""
    settings: CloudSettings = request.state.settings
    text = _credentials(request)
    # The first thing every request needs: a database that is away is said after seconds, not after a client's patience.
    async with pool.connection(timeout=PATIENCE_S) as connection:
        return await find_principal(connection, text, timedelta(seconds=settings.session_idle_s))


async def admit(
    request: Request, principal: Annotated[Principal, Depends(read_principal)]
) -> AsyncGenerator[Principal]:
    """Let a request run within its caller's pace."""
    pace: Pace = request.state.pace
    request.state.caller = principal
    pace.step(principal.scope_of_keys)
    with pace.running(principal.scope_of_keys, request.url.path):
        yield principal


# Whoever this is, also somebody who must replace a one-time password first.
Caller = Annotated[Principal, Depends(admit)]


async def read_pool(request: Request, pool: WholePool, caller: Caller) -> Pool:
    """Hand over a pool that sees as far as the caller does: the database refuses the rest, whatever a route asks."""
    if caller.reach.pattern is None:
        return pool
    is_reading = request.method in SAFE_METHODS or request.url.path.endswith(QUERY_END)
    return reached_pool(pool, caller.reach.pattern, is_snapshot=is_reading)


PoolOf = Annotated[Pool, Depends(read_pool)]


def _credentials(request: Request) -> str:
    """Take the bearer, else the cookie; browsers send cookies by themselves, so changes need a proof beside one."""
    header = request.headers.get("Authorization")
    cookie = request.cookies.get(COOKIE)
    if header or not cookie or not is_session_token(cookie):
        # A key in a cookie would be sent by browsers at the wish of any page.
        return read_bearer(header)
    if request.method not in SAFE_METHODS and not is_proof(cookie, request.headers.get(PROOF_HEADER)):
        raise Problem(Kinds.FORGED_REQUEST, f"send the header {PROOF_HEADER} with the `csrf` that logging in answered")
    return cookie


def needs(role: Role, *instead: Scope | Role, is_whole: bool = False) -> Callable[..., Awaitable[Principal]]:
    """Ask for a role, or for a scope or role that stands in for it; where `is_whole`, for a reach without limits."""

    async def check(principal: Caller, _documented: Annotated[object, Depends(BEARER)] = None) -> Principal:
        if principal.must_change_password:
            raise Problem(Kinds.PASSWORD_CHANGE_NEEDED, "replace it with PUT /api/v1/me/password")
        roles = (role, *(each for each in instead if isinstance(each, Role)))
        has_role = any(is_enough(principal.role, each) for each in roles)
        if not (has_role or principal.scopes.intersection(instead)):
            raise _insufficient(principal, role, instead)
        if is_whole and not principal.reach.is_whole:
            raise Problem(Kinds.OUTSIDE_REACH, UNLIMITED)
        return principal

    return check


def role_line(role: Role, *instead: Scope | Role) -> str:
    """Say in an operation's description who may call it."""
    others = "".join(
        f", or `{each}`" if isinstance(each, Role) else f", or a key with the scope `{each}`" for each in instead
    )
    return f"\n\nNeeds the role `{role}`{others}."


Viewer = Annotated[Principal, Depends(needs(Role.VIEWER))]
Operator = Annotated[Principal, Depends(needs(Role.OPERATOR))]
Maintenance = Annotated[Principal, Depends(needs(Role.MAINTENANCE))]
Engineer = Annotated[Principal, Depends(needs(Role.ENGINEER))]
Auditor = Annotated[Principal, Depends(needs(Role.AUDITOR))]
Steward = Annotated[Principal, Depends(needs(Role.STEWARD))]
ShareWatcher = Annotated[Principal, Depends(needs(Role.STEWARD, Role.AUDITOR))]
Admin = Annotated[Principal, Depends(needs(Role.ADMIN))]
# What does not go by a pool: ingest takes anything from anybody whom it trusts.
WholeEngineer = Annotated[Principal, Depends(needs(Role.ENGINEER, is_whole=True))]
Feeder = Annotated[Principal, Depends(needs(Role.ENGINEER, Scope.INGEST, is_whole=True))]


async def check_metrics_reader(request: Request) -> None:
    """Let loopback read the metrics, and keys with the scope `metrics`.

    Behind a proxy on the same machine every caller has a loopback address, so a forwarded request needs its key.
    """
    host = request.client.host if request.client else ""
    is_forwarded = "forwarded" in request.headers or "x-forwarded-for" in request.headers
    if host in LOOPBACK and not is_forwarded:
        return
    principal = await read_principal(request, await read_whole_pool(request))
    if not (Scope.METRICS in principal.scopes or is_enough(principal.role, Role.ADMIN)):
        raise _insufficient(principal, Role.ADMIN, (Scope.METRICS,))


def refusals(*kinds: Kinds) -> dict[int | str, dict[str, object]]:
    """Describe the refusals that every guarded operation has, and these."""
    return problem_responses(*REFUSALS, *kinds)


def _insufficient(principal: Principal, role: Role, instead: tuple[Scope | Role, ...]) -> Problem:
    others = [f"the {'role' if isinstance(each, Role) else 'scope'} {each}" for each in instead]
    wanted = " or ".join([f"the role {role}", *others])
    who = "key" if principal.key_id is not None else "user"
    shown = f"the {who} {principal.name!r} has the role {principal.role or 'none'}"
    challenge = f'Bearer realm="{REALM}", error="insufficient_scope"'
    return Problem(Kinds.ROLE_INSUFFICIENT, f"{shown}; needed: {wanted}", headers={"WWW-Authenticate": challenge})
