"""Logging in and out: plain pages without a script of the framework, so that a stranger reaches no more than a form."""

import html
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from string import Template
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from cloud_api.app import API
from cloud_api.auth.session_tokens import COOKIE
from cloud_api.console.api import Origin, Refused, Service
from cloud_api.console.look import LANGUAGE_COOKIE, THEME_COOKIE, YEAR_S, Look, read_look
from cloud_api.console.screen import PREFERENCES
from cloud_api.console.words import Words, words

router = APIRouter(include_in_schema=False)

HOME = "/"
MOST_FORM_CHARACTERS = 4_096


@router.get("/login")
async def show_login(request: Request) -> Response:
    """The form."""
    look = read_look(request)
    service: Service = request.app.state.service
    async with service.client(origin_of(request)) as client:
        answer = await client.get(f"{API}/login")
    ways: Any = answer.json() if answer.is_success else {}
    query = request.query_params
    return _form(look, query.get("next", HOME), why=query.get("why"), ways=ways)


@router.post("/login")
async def post_login(request: Request) -> Response:
    """Log in by the API's own route, and give its session to the browser."""
    look = read_look(request)
    if not _is_own_form(request):
        return _form(look, HOME, why="foreign", status=403)
    given = {name: str(value)[:MOST_FORM_CHARACTERS] for name, value in (await request.form()).items()}
    target = own_address(given.get("next", HOME))
    body = {"name": given.get("name", ""), "password": given.get("password", "")}
    if code := given.get("code", "").replace(" ", ""):
        body["code"] = code
    service: Service = request.app.state.service
    async with service.client(origin_of(request)) as client:
        answer = await client.post(f"{API}/login", json=body)
        found: Any = answer.json()
        if answer.is_error:
            refused = Refused(answer.status_code, found)
            kind = "login-refused" if refused.kind == "body-invalid" else refused.kind
            return _form(look, target, why=kind, name=body["name"], status=refused.status)
        session = {"Authorization": f"Bearer {found['token']}"}
        views = await client.get(f"{API}/me/views", params={"prefix": PREFERENCES}, headers=session)
    if found["me"]["must_change_password"]:
        target = "/welcome"
    response = RedirectResponse(target, 303)
    is_secure = request.url.scheme == "https"
    ends_at = datetime.fromisoformat(found["expires_at"])
    response.set_cookie(
        COOKIE, found["token"], expires=ends_at, path="/", secure=is_secure, httponly=True, samesite="strict"
    )
    for view in views.json().get("items", []) if views.is_success else []:
        if view["name"] == PREFERENCES:
            _keep_preferences(response, view["content"], is_secure=is_secure)
    return response


@router.post("/logout")
async def post_logout(request: Request) -> Response:
    """End the session."""
    token = request.cookies.get(COOKIE)
    if token and _is_own_form(request):
        service: Service = request.app.state.service
        async with service.client(origin_of(request)) as client:
            await client.post(f"{API}/logout", headers={"Authorization": f"Bearer {token}"})
    response = RedirectResponse("/login?why=left", 303)
    response.delete_cookie(COOKIE, path="/")
    return response


def origin_of(request: Request) -> Origin:
    """Where a request comes from."""
    return Origin(request.client.host if request.client else "", request.headers.get("User-Agent", ""))


def own_address(target: str) -> str:
    """An address of this console; home in place of anybody else's."""
    parts = urlsplit(target)
    is_own = not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_own else HOME


def show_away(look: Look) -> str:
    """A page that says that the service waits for its database, and asks again by itself."""
    text = words(look.language)
    page = Template(_file("away.html"))
    fields = {"language": look.language.tag, "theme": look.theme.value}
    labels = {"title": text("away.title"), "detail": text("away.detail")}
    return page.substitute({key: html.escape(value, quote=True) for key, value in (labels | fields).items()})


def _file(name: str) -> str:
    return files("cloud_api.console").joinpath("static", name).read_text(encoding="utf-8")


def _is_own_form(request: Request) -> bool:
    """Whether a form was sent by a page of this console: a stranger's page must log nobody in or out."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")


def _keep_preferences(response: Response, content: Mapping[str, Any], *, is_secure: bool) -> None:
    for cookie, name in ((LANGUAGE_COOKIE, "language"), (THEME_COOKIE, "theme")):
        if isinstance(value := content.get(name), str) and value.isalpha():
            # Scripts of the page change them too.
            response.set_cookie(cookie, value, max_age=YEAR_S, path="/", secure=is_secure, samesite="strict")


def _form(
    look: Look,
    target: str,
    *,
    why: str | None = None,
    name: str = "",
    status: int = 200,
    ways: Mapping[str, Any] | None = None,
) -> HTMLResponse:
    text = words(look.language)
    page = Template(_file("login.html"))
    needs_code = why == "second-factor-needed"
    provider = (ways or {}).get("oidc")
    # Passwords that are for one administrator's emergencies are out of sight for everybody else.
    is_hidden = bool(provider) and (ways or {}).get("local") == "break_glass" and why is None
    address = f"{provider['address']}?{urlencode({'return_to': own_address(target)})}" if provider else ""
    fields = {
        "language": look.language.tag,
        "theme": look.theme.value,
        "next": own_address(target),
        "name": name,
        "message": _message(text, why),
        "code_kind": "text" if needs_code else "hidden",
        "provider": text("login.provider", name=provider["name"]) if provider else "",
        "provider_address": address,
        # Passwords that are for one administrator's emergencies are out of sight for everybody else.
        "local": "break_glass" if is_hidden else "everyone",
    }
    labels = {key.replace(".", "_"): value for key, value in text.texts.items() if key.startswith("login.")}
    filled = {key: html.escape(value, quote=True) for key, value in (labels | fields).items()}
    return HTMLResponse(page.substitute(filled), status)


def _message(text: Words, why: str | None) -> str:
    return "" if why is None else text.maybe(f"login_why.{why}", text("login_why.login-refused"))
