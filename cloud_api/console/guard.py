"""What every request and every socket passes: safe headers, no socket from pages of others, the browser's look."""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud_api.auth.session_tokens import COOKIE
from cloud_api.console.look import present, read_look
from cloud_api.middleware import SAFE_HEADERS, YEAR_S

# NiceGUI makes its pages from scripts inside them and compiles templates in the browser; nothing comes from elsewhere.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# A form without a referrer has the origin "null", as one of a stranger may have.
HEADERS = SAFE_HEADERS | {
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
}
SOCKETS = "/_nicegui_ws/"
API_PATHS = ("/api/", "/health/")


class Guard:
    """Stands before the pages; the API's own paths go to the API as they came."""

    def __init__(self, pages: ASGIApp, api: ASGIApp) -> None:
        self._pages = pages
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one socket."""
        if scope["type"] == "lifespan":
            await self._pages(scope, receive, send)
            return
        if scope["path"].startswith(API_PATHS):
            await self._api(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if scope["path"].startswith(SOCKETS) and not _is_own(connection):
            await _refuse(scope, send)
            return
        present.set(read_look(connection))
        await self._pages(scope, receive, _with_headers(scope, send))


def _is_own(connection: HTTPConnection) -> bool:
    """Whether a socket comes from a page of ours, in a browser that has logged in."""
    origin = connection.headers.get("Origin")
    is_same = origin is None or urlsplit(origin).netloc == connection.headers.get("Host")
    return is_same and COOKIE in connection.cookies


async def _refuse(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4403})
        return
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def _with_headers(scope: Scope, send: Send) -> Send:
    if scope["type"] != "http":
        return send

    async def send_safely(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if scope["scheme"] == "https":
                headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")
        await send(message)

    return send_safely
