"""What every request passes: counting, a witness, safe headers, the refusal of keyless callers, limits of the body."""

import asyncio
import logging
import time
from collections.abc import Sequence

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud_api import origin
from cloud_api.auth.session_tokens import COOKIE
from cloud_api.origin import Origin
from cloud_api.problems import MEDIA_TYPE, TYPE_PREFIX, Kinds, Problem, response
from cloud_api.storage.failures import UNAVAILABLE
from cloud_api.telemetry import Telemetry
from cloud_api.witness import Answer, Witness

YEAR_S = 365 * 86_400
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NOTHING_POLICY = "default-src 'none'; frame-ancestors 'none'"
# The page /docs brings a script inside itself; it is the only one, and shows no data of a plant.
DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'"
)
NO_ROUTE = "none"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


log = logging.getLogger(__name__)


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


class CallWitness:
    """Gives each request its origin, and lets witnesses see each answer before its first byte leaves."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; the answer is held back until the witnesses have taken note."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        whence = _origin(scope)
        token = origin.begin(whence)
        try:
            await self._app(scope, receive, _Held(scope, receive, send, whence).send)
        finally:
            origin.end(token)


class _Held:
    """One answer on its way out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, whence: Origin) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._whence = whence
        self._start: Message | None = None
        self._is_given_up = False

    async def send(self, message: Message) -> None:
        """Hold the head back until it is known what is said; then let everything pass."""
        if self._is_given_up:
            return
        if message["type"] == "http.response.start":
            self._start = message
            if not _is_problem(message):
                await self._tell(None)
            return
        if self._start is not None:
            await self._tell(_problem(message))
        if not self._is_given_up:
            await self._send(message)

    async def _tell(self, problem: str | None) -> None:
        start, self._start = self._start, None
        assert start is not None
        witnesses: Sequence[Witness] = self._scope.get("state", {}).get("witnesses", ())
        try:
            for witness in witnesses:
                await witness.see(_answer(self._scope, start, self._whence, problem))
        except UNAVAILABLE as error:
            log.warning("an answer is kept back, for it cannot be written down: %s", " ".join(str(error).split()))
            self._is_given_up = True
            detail = "what leaves must be written down first, which is not possible now; try again"
            refused = Problem(Kinds.DATABASE_UNAVAILABLE, detail, headers={"Retry-After": "5"})
            await response(refused)(self._scope, self._receive, self._send)
            return
        await self._send(start)


def _origin(scope: Scope) -> Origin:
    client = scope.get("client")
    agent = Request(scope).headers.get("user-agent")
    return Origin(address=client[0] if client else None, client=None if agent is None else origin.printable(agent))


def _answer(scope: Scope, start: Message, whence: Origin, problem: str | None) -> Answer:
    return Answer(
        origin=whence,
        method=scope["method"] if scope["method"] in METHODS else "other",
        route=getattr(scope.get("route"), "path", NO_ROUTE),
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        status=start["status"],
        media_type=_media_type(start),
        problem=problem or whence.refused,
    )


def _media_type(start: Message) -> str:
    return MutableHeaders(raw=list(start["headers"])).get("content-type", "").partition(";")[0]


def _is_problem(start: Message) -> bool:
    return start["status"] >= 400 and _media_type(start) == MEDIA_TYPE


def _problem(message: Message) -> str | None:
    """Which kind of problem a document names; it is short and comes in one piece."""
    try:
        document = msgspec.json.decode(message.get("body", b""))
    except msgspec.DecodeError:
        return None
    kind = document.get("type") if isinstance(document, dict) else None
    return kind.removeprefix(TYPE_PREFIX) if isinstance(kind, str) else None


class SecureHeaders:
    """Tells browsers what an answer is not for: to be guessed at, framed, kept, or run."""

    def __init__(self, app: ASGIApp, docs: tuple[str, ...]) -> None:
        self._app = app
        self._docs = docs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and add the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_docs = scope["path"].startswith(self._docs)

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", DOCS_POLICY if is_docs else NOTHING_POLICY)
                if not is_docs:
                    headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")
            await send(message)

        await self._app(scope, receive, send_safely)


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


class TimeBody:
    """Gives up on a client that does not go on sending the body that it has announced."""

    def __init__(self, app: ASGIApp, timeout_s: float) -> None:
        self._app = app
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; each part of its body must come in time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_whole = False

        async def receive_in_time() -> Message:
            nonlocal is_whole
            if is_whole:
                # From here on it is a wait for the client to go away, which may last as long as a stream does.
                return await receive()
            try:
                async with asyncio.timeout(self._timeout_s):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408, "the body did not come in time") from error
            is_whole = not message.get("more_body", False)
            return message

        await self._app(scope, receive_in_time, send)


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
