"""HTTP of logging in by an identity provider: which doors there are, to the provider, back from it, and out again."""

from datetime import UTC, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from cloud_api import origin
from cloud_api.auth.access import Admin, Caller, WholePool, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.auth.session_tokens import COOKIE
from cloud_api.problems import Kinds, Problem, not_found, parameter_invalid, problem_responses
from cloud_api.settings import CloudSettings
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.identities import Identity, delete_identities, delete_password, insert_identity
from cloud_api.storage.pool import transaction
from cloud_api.storage.sessions import delete_session, delete_sessions
from cloud_api.storage.users import lock_users, update_second_factor
from cloud_api.users.accounts import find_user
from cloud_api.users.oidc.attempt import LASTS_S, RETURN_ALLOWED, is_return_path
from cloud_api.users.oidc.login import BEGIN, CALLBACK, Answer, OidcLogin
from cloud_api.users.oidc.models import IdentityGiven, LoggedOut, LoginDoors, ProviderDoor
from cloud_api.users.oidc.pages import onward, refusal
from cloud_api.users.oidc.refusals import LoginRefused
from cloud_api.users.own import person

_DOOR = (
    Kinds.NOT_FOUND,
    Kinds.PARAMETER_INVALID,
    Kinds.TOO_MANY_REQUESTS,
    Kinds.IDENTITY_PROVIDER_UNAVAILABLE,
)

router = APIRouter(tags=["access"])

UserId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Text = Annotated[str | None, Query(max_length=4096)]


@router.get("/login", responses=problem_responses(), description="How people may log in. No key needed.")
async def list_login_doors(request: Request) -> LoginDoors:
    """Describe the doors."""
    settings: CloudSettings = request.state.settings
    oidc = _login_of(request)
    door = None if oidc is None else ProviderDoor(name=oidc.name, address=BEGIN)
    return LoginDoors(local=settings.login.local, oidc=door)


@router.get(
    "/login/oidc",
    status_code=303,
    response_class=RedirectResponse,
    responses=problem_responses(*_DOOR),
    description="Go to the identity provider. For browsers, as a link. No key needed.",
)
async def begin_oidc(
    request: Request, return_to: Annotated[str, Query(max_length=600, description=RETURN_ALLOWED)] = "/"
) -> Response:
    """Begin to log in."""
    oidc = _needed(request)
    if not is_return_path(return_to):
        raise parameter_invalid("return_to", return_to, "is not a path of this service", RETURN_ALLOWED)
    attempt, place = await oidc.begin(return_to)
    response = RedirectResponse(place, status_code=303)
    # Lax: the provider's redirect is a visit from another site, and must bring this cookie.
    response.set_cookie(
        *(attempt.cookie_name, attempt.cookie),
        max_age=LASTS_S,
        path=CALLBACK,
        secure=_is_secure(request, oidc),
        httponly=True,
        samesite="lax",
    )
    return response


@router.get(
    "/login/oidc/callback",
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "A page that goes on"}}
    | problem_responses(*_DOOR, Kinds.LOGIN_REFUSED, Kinds.DATABASE_UNAVAILABLE),
    description="Where the identity provider sends the browser back to; the session is in the cookie. Browsers get a "
    "page for a refusal too; its `reason` says why. No key needed.",
)
async def finish_oidc(
    request: Request,
    pool: WholePool,
    state: Annotated[str, Query(max_length=200)],
    code: Text = None,
    error: Text = None,
    iss: Text = None,
) -> Response:
    """Finish logging in."""
    oidc = _needed(request)
    settings: CloudSettings = request.state.settings
    answer = Answer(state, code, error, iss)
    try:
        opened = await oidc.complete(pool, answer, request.cookies, timedelta(seconds=settings.session_max_s))
    except Problem as problem:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        origin.present().refused = problem.kind.name
        why = problem.why if isinstance(problem, LoginRefused) else None
        page = refusal(problem.kind.title, problem.detail, why)
        return HTMLResponse(page, status_code=problem.kind.status, headers=problem.headers)
    response = HTMLResponse(onward(opened.attempt.return_to))
    is_secure = _is_secure(request, oidc)
    response.delete_cookie(opened.attempt.cookie_name, path=CALLBACK, secure=is_secure, httponly=True, samesite="lax")
    response.set_cookie(
        *(COOKIE, opened.token),
        expires=opened.expires_at.astimezone(UTC),
        path="/",
        secure=is_secure,
        httponly=True,
        samesite="strict",
    )
    return response


@router.post(
    "/logout/oidc",
    responses=refusals(Kinds.CONFLICT),
    description="End this session, however it began; the answer says where to end the provider's. For every user.",
)
async def logout_oidc(request: Request, response: Response, pool: WholePool, caller: Caller) -> LoggedOut:
    """Log out here and say where to log out there."""
    user_id, oidc = person(caller), _login_of(request)
    try:
        place = None if oidc is None else await oidc.end_session_address(pool, caller.session_id or 0)
    except Problem:
        # The provider is away: logging out here must not fail for that.
        place = None
    async with transaction(pool) as connection:
        await delete_session(connection, user_id, caller.session_id or 0)
        await insert_audit(connection, caller.name, "logout", caller.name, {})
    response.delete_cookie(COOKIE, path="/")
    return LoggedOut(end_session_url=place)


@router.put(
    "/users/{user_id}/identity",
    status_code=204,
    responses=refusals(Kinds.NOT_FOUND, Kinds.CONFLICT, Kinds.BODY_INVALID, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Let a user who is here already log in by the identity provider, which decides on role and reach from "
    "then on; password and second factor end. Audited." + role_line(Role.ADMIN),
)
async def put_identity(request: Request, user_id: UserId, body: IdentityGiven, pool: WholePool, caller: Admin) -> None:
    """Join a user with an identity."""
    settings: CloudSettings = request.state.settings
    if settings.login.oidc is None:
        raise Problem(Kinds.CONFLICT, "no identity provider is configured")
    async with transaction(pool) as connection:
        await lock_users(connection)
        user = await find_user(connection, user_id)
        if user.name == settings.login.break_glass_user:
            raise Problem(Kinds.CONFLICT, f"{user.name!r} is who gets in without the identity provider (break glass)")
        identity = Identity(settings.login.oidc.issuer, body.subject)
        if not await insert_identity(connection, identity, user_id):
            raise Problem(Kinds.CONFLICT, f"{user.name!r} has an identity already, or somebody else has this one")
        await delete_password(connection, user_id)
        await update_second_factor(connection, user_id, None, 0, ())
        await delete_sessions(connection, user_id)
        await insert_audit(connection, caller.name, "user.identity", user.name, {"to": body.subject})


@router.delete(
    "/users/{user_id}/identity",
    status_code=204,
    responses=refusals(Kinds.NOT_FOUND, Kinds.PARAMETER_INVALID),
    description="Take a user's identity away, and end the sessions. Audited." + role_line(Role.ADMIN),
)
async def delete_identity(user_id: UserId, pool: WholePool, caller: Admin) -> None:
    """Part a user from an identity."""
    async with transaction(pool) as connection:
        user = await find_user(connection, user_id)
        if not await delete_identities(connection, user_id):
            raise not_found("identity of user", "user_id", user_id)
        await delete_sessions(connection, user_id)
        await insert_audit(connection, caller.name, "user.identity", user.name, {"to": None})


def _login_of(request: Request) -> OidcLogin | None:
    oidc: OidcLogin | None = request.state.oidc
    return oidc


def _needed(request: Request) -> OidcLogin:
    oidc = _login_of(request)
    if oidc is None:
        raise Problem(Kinds.NOT_FOUND, "no identity provider is configured (MILLSTREAM_OIDC_ISSUER)")
    return oidc


def _is_secure(request: Request, oidc: OidcLogin) -> bool:
    return oidc.is_https or request.url.scheme == "https"
