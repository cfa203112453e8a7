"""What every request passes before it reaches a route: counting, the refusal of keyless callers, the body limit."""

import time

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud_api.auth.session_tokens import COOKIE
from cloud_api.problems import Kinds, Problem, response
from cloud_api.telemetry import Telemetry

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class CountRequests:
    """Counts answers by route template, never by the address itself, which has no bounds."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started_s = time.monotonic()

        async def send_seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_seen)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._telemetry.requests.labels(method, route, str(status)).inc()
            self._telemetry.request_seconds.labels(route).observe(time.monotonic() - started_s)


class AskForKey:
    """Refuses requests with neither a key nor a session before their body is read."""

    def __init__(self, app: ASGIApp, prefix: str, open_paths: frozenset[str], challenge: str) -> None:
        self._app = app
        self._prefix = prefix
        self._open_paths = open_paths
        self._challenge = challenge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request if it brings a key or a session, or asks what is open."""
        is_guarded = scope["type"] == "http" and scope["path"].startswith(self._prefix)
        is_guarded = is_guarded and scope["path"] not in self._open_paths
        if is_guarded and "authorization" not in Request(scope).headers and COOKIE not in Request(scope).cookies:
            detail = "send the header `Authorization: Bearer <key>`, or log in"
            problem = Problem(Kinds.KEY_MISSING, detail, headers={"WWW-Authenticate": self._challenge})
            await response(problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class LimitBody:
    """Refuses bodies that are too large: at once by their stated length, else as soon as they pass the limit."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and count the bytes of its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stated = Request(scope).headers.get("content-length", "")
        if stated.isdecimal() and int(stated) > self._max_bytes:
            detail = f"the body has {stated} bytes, at most {self._max_bytes} are read"
            await response(Problem(Kinds.BODY_TOO_LARGE, detail))(scope, receive, send)
            return
        count = 0

        async def receive_counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self._max_bytes:
                # FastAPI lets this type alone pass while it reads a body; the problem handler answers it.
                raise HTTPException(413)
            return message

        await self._app(scope, receive_counted, send)
