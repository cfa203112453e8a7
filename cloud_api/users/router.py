"""HTTP of people: log in and out, one's own account, and the accounts that administrators keep."""

from datetime import UTC, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from cloud_api import origin
from cloud_api.auth.access import Admin, Caller, WholePool, refusals, role_line
from cloud_api.auth.roles import PERMISSIONS, Permission, Role
from cloud_api.auth.session_tokens import COOKIE, proof_of
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.login_settings import LocalLogin
from cloud_api.problems import Kinds, not_found, problem_responses
from cloud_api.settings import CloudSettings
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.pool import Connection, transaction
from cloud_api.storage.sessions import delete_session, delete_sessions, select_sessions
from cloud_api.storage.users import UserRow, select_user, select_users
from cloud_api.users.accounts import change_user, create_user, find_user, new_password, reset_user
from cloud_api.users.login import Attempt, log_in
from cloud_api.users.models import (
    CodeProof,
    LoggedIn,
    LoginRequest,
    Me,
    NewUser,
    PasswordChange,
    PasswordProof,
    RecoveryCodes,
    SecondFactorSetup,
    Session,
    SessionPage,
    User,
    UserChange,
    UserPage,
    UserWithPassword,
)
from cloud_api.users.own import (
    begin_second_factor,
    change_password,
    confirm_second_factor,
    person,
    remove_second_factor,
)
from cloud_api.users.passwords import Passwords

MOST_CLIENT_CHARACTERS = 200
_QUESTION = ("users",)
_OWN = (Kinds.CONFLICT, Kinds.BODY_INVALID, Kinds.MEDIA_TYPE_UNSUPPORTED)

router = APIRouter(tags=["access"])

UserId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.post(
    "/login",
    responses=problem_responses(
        Kinds.LOGIN_REFUSED,
        Kinds.SECOND_FACTOR_NEEDED,
        Kinds.LOGIN_LOCKED,
        Kinds.TOO_MANY_REQUESTS,
        Kinds.BODY_INVALID,
        Kinds.MEDIA_TYPE_UNSUPPORTED,
        Kinds.BODY_TOO_LARGE,
        Kinds.DATABASE_UNAVAILABLE,
    ),
    description="Open a session. No key needed; after five wrong log-ins with a name it is locked for a while.",
)
async def login(request: Request, response: Response, body: LoginRequest, pool: WholePool) -> LoggedIn:
    """Log in."""
    settings: CloudSettings = request.state.settings
    attempt = Attempt(
        name=body.name,
        password=body.password.get_secret_value(),
        code=body.code.get_secret_value() if body.code else None,
        address=origin.present().address or "",
        client=origin.present().client or "",
        only_name=None if settings.login.local is LocalLogin.EVERYONE else settings.login.break_glass_user,
    )
    opened = await log_in(pool, _passwords(request), attempt, timedelta(seconds=settings.session_max_s))
    async with pool.connection() as connection:
        me = await _me_of_user(connection, opened.user_id)
    response.set_cookie(
        COOKIE,
        opened.token,
        expires=opened.expires_at.astimezone(UTC),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return LoggedIn(
        token=opened.token,
        expires_at=opened.expires_at,
        me=me.model_copy(update={"csrf": proof_of(opened.token)}),
    )


@router.post(
    "/logout", status_code=204, responses=refusals(Kinds.CONFLICT), description="End this session. For every user."
)
async def logout(response: Response, pool: WholePool, caller: Caller) -> None:
    """Log out."""
    user_id = person(caller)
    async with transaction(pool) as connection:
        await delete_session(connection, user_id, caller.session_id or 0)
        await insert_audit(connection, caller.name, "logout", caller.name, {})
    response.delete_cookie(COOKIE, path="/")


@router.get("/me", responses=refusals(), description="Who is asking, and what that allows. For every caller.")
async def get_me(request: Request, pool: WholePool, caller: Caller) -> Me:
    """Describe the caller."""
    if caller.user_id is None:
        permissions, reach = _permissions(caller.role), list(caller.reach.globs)
        return Me(name=caller.name, role=caller.role, permissions=permissions, reach=reach, is_user=False)
    async with pool.connection() as connection:
        me = await _me_of_user(connection, caller.user_id)
    cookie = request.cookies.get(COOKIE)
    is_by_cookie = cookie is not None and "Authorization" not in request.headers
    return me.model_copy(update={"csrf": proof_of(cookie) if cookie and is_by_cookie else None})


@router.put(
    "/me/password",
    status_code=204,
    responses=refusals(*_OWN, Kinds.LOGIN_LOCKED, Kinds.TOO_MANY_REQUESTS),
    description="Replace one's own password; the other sessions end. Audited. For every user.",
)
async def put_password(request: Request, body: PasswordChange, pool: WholePool, caller: Caller) -> None:
    """Change one's own password."""
    old, new = body.old.get_secret_value(), body.new.get_secret_value()
    await change_password(pool, _passwords(request), caller, old, new)


@router.post(
    "/me/second-factor",
    responses=refusals(Kinds.CONFLICT),
    description="Make a second factor (RFC 6238); it counts once it is confirmed. For every user.",
)
async def create_second_factor(pool: WholePool, caller: Caller) -> SecondFactorSetup:
    """Begin with a second factor."""
    secret, uri = await begin_second_factor(pool, caller)
    return SecondFactorSetup(secret=secret, uri=uri)


@router.put(
    "/me/second-factor",
    responses=refusals(*_OWN),
    description="Confirm the second factor by its first code; the other sessions end. Audited. For every user.",
)
async def put_second_factor(body: CodeProof, pool: WholePool, caller: Caller) -> RecoveryCodes:
    """Confirm a second factor."""
    return RecoveryCodes(recovery_codes=await confirm_second_factor(pool, caller, body.code.get_secret_value()))


@router.post(
    "/me/second-factor/remove",
    status_code=204,
    responses=refusals(*_OWN, Kinds.LOGIN_LOCKED, Kinds.TOO_MANY_REQUESTS),
    description="Do without the second factor again. Audited. For every user.",
)
async def delete_second_factor(request: Request, body: PasswordProof, pool: WholePool, caller: Caller) -> None:
    """Remove the second factor."""
    await remove_second_factor(pool, _passwords(request), caller, body.password.get_secret_value())


@router.get("/me/sessions", responses=refusals(Kinds.CONFLICT), description="One's own sessions. For every user.")
async def list_sessions(request: Request, pool: WholePool, caller: Caller) -> SessionPage:
    """List one's own sessions."""
    settings: CloudSettings = request.state.settings
    async with pool.connection() as connection:
        rows = await select_sessions(connection, person(caller), timedelta(seconds=settings.session_idle_s))
    fields = ("id", "address", "client", "created_at", "seen_at", "expires_at")
    return SessionPage(
        items=[
            Session(**{name: getattr(row, name) for name in fields}, is_this=row.id == caller.session_id)
            for row in rows
        ]
    )


@router.delete(
    "/me/sessions/{session_id}",
    status_code=204,
    responses=refusals(Kinds.CONFLICT, Kinds.NOT_FOUND, Kinds.PARAMETER_INVALID),
    description="End one of one's own sessions. Audited. For every user.",
)
async def end_session(session_id: UserId, pool: WholePool, caller: Caller) -> None:
    """End a session."""
    user_id = person(caller)
    async with transaction(pool) as connection:
        if not await delete_session(connection, user_id, session_id):
            raise not_found("session", "session_id", session_id)
        await insert_audit(connection, caller.name, "session.end", caller.name, {"session": session_id})


@router.get(
    "/users",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID),
    description="Users by name." + role_line(Role.ADMIN),
)
async def list_users(
    pool: WholePool,
    _caller: Admin,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
) -> UserPage:
    """List users."""
    after = read_cursor(cursor, _QUESTION, str) if cursor else ""
    async with pool.connection() as connection:
        rows = await select_users(connection, after, limit + 1)
    page = rows[:limit]
    return UserPage(
        items=[_shown(row) for row in page],
        next=write_cursor(page[-1].name, _QUESTION) if len(rows) > limit else None,
    )


@router.post(
    "/users",
    status_code=201,
    responses=refusals(Kinds.BODY_INVALID, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Make a user; the answer has a password for one use. Audited." + role_line(Role.ADMIN),
)
async def post_user(request: Request, body: NewUser, pool: WholePool, caller: Admin) -> UserWithPassword:
    """Make a user."""
    password = new_password()
    hashed = await _passwords(request).hash(password)
    async with transaction(pool) as connection:
        row = await create_user(connection, body, hashed, caller.name)
    return UserWithPassword(user=_shown(row), one_time_password=password)


@router.get(
    "/users/{user_id}",
    responses=refusals(Kinds.NOT_FOUND, Kinds.PARAMETER_INVALID),
    description="Describe one user." + role_line(Role.ADMIN),
)
async def get_user(user_id: UserId, pool: WholePool, _caller: Admin) -> User:
    """Describe one user."""
    async with pool.connection() as connection:
        return _shown(await find_user(connection, user_id))


@router.patch(
    "/users/{user_id}",
    responses=refusals(Kinds.BODY_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Change a user's role or name, disable or enable. Holds at once, in open sessions too. Audited."
    + role_line(Role.ADMIN),
)
async def patch_user(user_id: UserId, body: UserChange, pool: WholePool, caller: Admin) -> User:
    """Change one user."""
    async with transaction(pool) as connection:
        return _shown(await change_user(connection, user_id, body, caller.name))


@router.post(
    "/users/{user_id}/reset",
    responses=refusals(Kinds.NOT_FOUND, Kinds.PARAMETER_INVALID, Kinds.CONFLICT),
    description="Give a user a new password for one use; second factor and sessions end. Audited."
    + role_line(Role.ADMIN),
)
async def post_user_reset(request: Request, user_id: UserId, pool: WholePool, caller: Admin) -> UserWithPassword:
    """Reset one user's password."""
    password = new_password()
    hashed = await _passwords(request).hash(password)
    async with transaction(pool) as connection:
        row = await reset_user(connection, user_id, hashed, caller.name)
    return UserWithPassword(user=_shown(row), one_time_password=password)


@router.post(
    "/users/{user_id}/end-sessions",
    status_code=204,
    responses=refusals(Kinds.NOT_FOUND, Kinds.PARAMETER_INVALID),
    description="Log a user out everywhere. Audited." + role_line(Role.ADMIN),
)
async def post_end_sessions(user_id: UserId, pool: WholePool, caller: Admin) -> None:
    """End all sessions of one user."""
    async with transaction(pool) as connection:
        user = await find_user(connection, user_id)
        count = await delete_sessions(connection, user_id)
        await insert_audit(connection, caller.name, "user.end_sessions", user.name, {"count": count})


def _passwords(request: Request) -> Passwords:
    passwords: Passwords = request.state.passwords
    return passwords


async def _me_of_user(connection: Connection, user_id: int) -> Me:
    row = await select_user(connection, user_id)
    if row is None:
        raise not_found("user", "user_id", user_id)
    return Me(
        name=row.name,
        display_name=row.display_name,
        role=Role(row.role),
        permissions=_permissions(Role(row.role)),
        is_user=True,
        must_change_password=row.must_change_password,
        has_second_factor=row.has_second_factor,
        reach=row.reach,
    )


def _permissions(role: Role | None) -> list[Permission]:
    return [] if role is None else sorted(PERMISSIONS[role])


def _shown(row: UserRow) -> User:
    return User(
        id=row.id,
        name=row.name,
        display_name=row.display_name,
        role=Role(row.role),
        state="enabled" if row.disabled_at is None else "disabled",
        created_at=row.created_at,
        last_login_at=row.last_login_at,
        password_changed_at=row.password_changed_at,
        must_change_password=row.must_change_password,
        has_second_factor=row.has_second_factor,
        has_identity=row.has_identity,
        reach=row.reach,
    )
