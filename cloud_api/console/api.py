"""The API as a page asks it: the routes of this very process, as the person of one session, with every refusal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from cloud_api.app import API
from cloud_api.console.words import Language
from cloud_api.problems import TYPE_PREFIX

BASE = "http://console"
# What ingest alone can do, as replaying a thousand rejects, may last.
TAKING_S = 60.0
NOT_HERE = "ingest-unavailable"


class Refused(Exception):
    """The API has said no; `kind` is the problem's stable name."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(str(document.get("detail") or document.get("title") or status))
        self.status = status
        self.document = document
        self.kind = str(document.get("type", "")).removeprefix(TYPE_PREFIX)
        self.errors: list[Mapping[str, Any]] = list(document.get("errors", []))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a person's browser is, as the audit and the lock on guessing should see it."""

    address: str = "127.0.0.1"
    client: str = ""


class Service:
    """The API's application with the state of its lifespan."""

    def __init__(self, app: ASGIApp, state: Mapping[str, Any], api_url: str = "") -> None:
        self._app = app
        self._state = state
        self._api_url = api_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request that this process makes of itself."""
        await self._app(dict(scope) | {"state": dict(self._state)}, receive, send)

    def client(self, origin: Origin) -> httpx.AsyncClient:
        """A client of the routes that comes from `origin`."""
        transport = httpx.ASGITransport(app=self, client=(origin.address, 0), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=BASE, headers={"User-Agent": origin.client})

    def taker(self, origin: Origin) -> httpx.AsyncClient | None:
        """A client of the process that takes samples, None where nobody has said where it is."""
        if not self._api_url:
            return None
        return httpx.AsyncClient(base_url=self._api_url, headers={"User-Agent": origin.client}, timeout=TAKING_S)


class Api:
    """The routes, as one session; paths are below /api/v1. Raises Refused, whose text says why."""

    def __init__(self, service: Service, token: str, language: Language, origin: Origin) -> None:
        self._client = service.client(origin)
        self._service, self._origin = service, origin
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Language": language.tag}

    async def get(self, path: str, /, **parameters: Any) -> Any:
        """GET; parameters that are None are left out, a trailing _ of a name is dropped (`from_`)."""
        return await self._ask("GET", path, parameters=_present(parameters))

    async def post(self, path: str, body: Any = None, **parameters: Any) -> Any:
        """POST a JSON body."""
        return await self._ask("POST", path, body, _present(parameters))

    async def post_once(self, path: str, body: Any, key: str) -> Any:
        """POST with an idempotency key: sent twice it is done once."""
        return await self._ask("POST", path, body, key=key)

    async def put(self, path: str, body: Any, **parameters: Any) -> Any:
        """PUT a JSON body."""
        return await self._ask("PUT", path, body, _present(parameters))

    async def patch(self, path: str, body: Any) -> Any:
        """PATCH with a JSON body."""
        return await self._ask("PATCH", path, body)

    async def delete(self, path: str, /, **parameters: Any) -> Any:
        """DELETE."""
        return await self._ask("DELETE", path, parameters=_present(parameters))

    async def health(self) -> Any:
        """What the process says of its parts, ready or not: outside of /api/v1."""
        return (await self._client.get("/health/ready")).json()

    async def raw(self, path: str, accept: str, **parameters: Any) -> bytes:
        """GET bytes of a format, as text/csv."""
        headers = self._headers | {"Accept": accept}
        answer = await self._client.get(API + path, params=_present(parameters), headers=headers)
        if answer.is_error:
            raise Refused(answer.status_code, _document(answer))
        return answer.content

    async def _ask(
        self, method: str, path: str, body: Any = None, parameters: Mapping[str, Any] | None = None, key: str = ""
    ) -> Any:
        sent: dict[str, Any] = {"headers": self._headers | ({"Idempotency-Key": key} if key else {})}
        if body is not None:
            sent["json"] = body
        answer = await self._client.request(method, API + path, params=parameters, **sent)
        if answer.is_error and Refused(answer.status_code, _document(answer)).kind == NOT_HERE:
            answer = await self._pass_on(method, path, parameters, sent) or answer
        if answer.is_error:
            raise Refused(answer.status_code, _document(answer))
        return answer.json() if answer.content else None

    async def _pass_on(
        self, method: str, path: str, parameters: Mapping[str, Any] | None, sent: Mapping[str, Any]
    ) -> httpx.Response | None:
        """Ask the process that takes samples, as the same session; None where it cannot be reached."""
        taker = self._service.taker(self._origin)
        if taker is None:
            return None
        async with taker:
            try:
                return await taker.request(method, API + path, params=parameters, **sent)
            except httpx.TransportError:
                return None


def _present(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name.rstrip("_"): value for name, value in parameters.items() if value is not None}


def _document(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found: Any = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"detail": answer.text[:200], "status": answer.status_code}
