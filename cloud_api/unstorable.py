"""Texts that no database holds, NUL and halves of surrogate pairs: refused by name before a route sees them."""

import json
import re
from collections.abc import Generator
from typing import Any, cast
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud_api.problems import JSON_TYPES, Kinds, Problem, body_invalid, parameter_invalid, response

ALLOWED = "text without the character NUL and without half a surrogate pair"
# JSON has neither of them but as an escape.
_ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class RefuseUnstorable:
    """Refuses addresses and JSON bodies with texts that cannot be stored; `exempt` paths read bodies themselves."""

    def __init__(self, app: ASGIApp, exempt: frozenset[str]) -> None:
        self._app = app
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request if its address and its body can be stored."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if problem := _in_address(scope):
            await response(problem)(scope, receive, send)
            return
        is_json = Request(scope).headers.get("content-type", "").partition(";")[0].strip().lower() in JSON_TYPES
        is_read = is_json and scope["path"] not in self._exempt
        await self._app(scope, _checked(receive) if is_read else receive, send)


def _checked(receive: Receive) -> Receive:
    """Look at a body as soon as all of it is there."""
    parts: list[bytes] = []

    async def receive_checked() -> Message:
        message = await receive()
        if message["type"] == "http.request":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False) and (problem := body_problem(b"".join(parts))):
                # FastAPI lets this type alone pass while it reads a body; the problem handler answers its cause.
                raise HTTPException(problem.kind.status) from problem
        return message

    return receive_checked


def body_problem(body: bytes) -> Problem | None:
    """Find the first text of a JSON body that cannot be stored; what is no JSON is refused by who parses it."""
    if not _ESCAPED.search(body):
        return None
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for field, text in _texts(whole):
        if _UNSTORABLE.search(text):
            return body_invalid(_shown(field) or "body", _shown(text), "has a character that cannot be stored", ALLOWED)
    return None


def _in_address(scope: Scope) -> Problem | None:
    if "\x00" in scope["path"]:
        return Problem(Kinds.BAD_REQUEST, "the address has the character NUL")
    query: bytes = scope["query_string"]
    if b"%00" not in query:
        return None
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    name, value = next(pair for pair in pairs if "\x00" in "".join(pair))
    return parameter_invalid(_shown(name), _shown(value), "has a character that cannot be stored", ALLOWED)


def _texts(whole: Any) -> Generator[tuple[str, str]]:
    """Every text with its place, names of members included; without recursion, as bodies may be deep."""
    waiting: list[tuple[str, Any]] = [("", whole)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            yield from ((_below(place, name), name) for name in members)
            waiting.extend((_below(place, name), each) for name, each in members.items())
        elif isinstance(value, list):
            waiting.extend((_below(place, index), each) for index, each in enumerate(cast("list[Any]", value)))


def _below(place: str, name: object) -> str:
    return f"{place}.{name}" if place else str(name)


def _shown(text: str) -> str:
    return text.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()
