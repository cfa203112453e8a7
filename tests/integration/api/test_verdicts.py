"""Every route, every kind of caller, inside and outside its reach: what happens is what verdicts.toml says.

A route without a row fails, and so does a row without a route.
"""

import asyncio
import re
import tomllib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec

from cloud_api.openapi import METHODS
from tests.integration.api.halls import INSIDE, NEVER, OUTSIDE, SECRET, Plant, addressed, terms_of, two_halls
from tests.integration.api.service import Api, at, serve_api, shown

TABLE = tomllib.loads(Path(__file__).with_name("verdicts.toml").read_text(encoding="utf-8"))
WHO: dict[str, list[str]] = TABLE["who"]
VERDICTS: dict[str, list[str]] = TABLE["operations"]
PAGES: dict[str, list[Any]] = TABLE["pages"]
ROLES = ("viewer", "operator", "maintenance", "engineer", "auditor", "steward", "admin")
SCOPES = ("ingest", "metrics")
# These have no limits, so that there is nothing outside of their reach.
NEVER_LIMITED = {"auditor", "admin"}
SAME_FOR_ALL = {"open", "own", "share"}
NOT_LET_IN = {"key-missing", "key-invalid", "role-insufficient"}
TYPE = "urn:millstream:problem:"
NOWHERE = "plant/hall-9/press"
WINDOW = {"from": shown(at(0)), "to": shown(at(60)), "interval": "1m"}
CHANNEL = {"kind": "email", "name": "new", "host": "mail.example", "sender": "a@b.example", "to": ["c@d.example"]}
ROUTE = {"name": "new", "steps": [{"channels": [str(UUID(int=12))]}]}


def definition_of(name: str) -> dict[str, Any]:
    """An alarm definition of a hall."""
    return {"name": name, "target": {"path": "{place}/speed"}, "condition": {"kind": "limit", "hi": {"limit": 5}}}


DOUBLE = {"expression": '"{place}/speed" * 2'}
# What an operation needs to come as far as to look for what it is about; {place} and {id} are of the hall.
BODIES: dict[str, Any] = {
    "POST /agents/{new}/take-over": {"from": "gw-other"},
    "POST /alarm-definitions": definition_of("new of {place}"),
    "POST /alarm-definitions/apply": {"definitions": []},
    "POST /alarm-definitions/check": {"definition": definition_of("new of {place}")},
    "POST /alarm-definitions/import": {"format": "toml", "content": "", "dry_run": True},
    "POST /alarm-definitions/replay": {"names": ["{place} high"], "from": shown(at(0)), "to": shown(at(60))},
    "PUT /alarm-definitions/{definition_id}": definition_of("{place} high"),
    "POST /alarms/acknowledge": {"ids": ["{alarm_id}"]},
    "POST /alarms/{alarm_id}/acknowledge": {},
    "POST /alarms/{alarm_id}/assign": {"assignee": "somebody"},
    "POST /alarms/{alarm_id}/comment": {"comment": "seen"},
    "POST /alarms/{alarm_id}/out-of-service": {"reason": "work", "order_number": "7"},
    "POST /alarms/{alarm_id}/reset": {},
    "POST /alarms/{alarm_id}/return": {},
    "POST /alarms/{alarm_id}/shelve": {"reason": "work", "duration": "10m"},
    "POST /alarms/{alarm_id}/unshelve": {},
    "POST /api-keys": {"name": "new", "role": "viewer"},
    "POST /asset-templates": {"name": "new", "tags": [{"tag": "speed"}]},
    "PATCH /asset-templates/{template_id}": {"description": "new"},
    "POST /assets": {"path": "{place}/part"},
    "POST /assets/bulk": "path,description\n{place},new\n",
    "PATCH /assets/{asset_id}": {"description": "new"},
    "POST /calculations": {**DOUBLE, "path": "{place}/new"},
    "POST /calculations/preview": {**DOUBLE, "from": shown(at(0)), "to": shown(at(60))},
    "PUT /calculations/{calculation_id}": DOUBLE,
    "POST /calculations/{calculation_id}/backfill": {"from": shown(datetime.now(UTC) - timedelta(days=1))},
    "POST /entry-series": {"path": "{place}/new"},
    "PATCH /entry-series/{series_id}": {"high": 100},
    "POST /grants": {"name": "new", "terms": terms_of("{place}")},
    "POST /grants/preview": {"name": "new", "terms": terms_of("{place}")},
    "PUT /grants/{grant_id}": {"name": "new", "terms": terms_of("{place}"), "version": 1},
    "POST /grants/{grant_id}/keys": {"name": "new"},
    "POST /grants/{grant_id}/keys/{key_id}/rotate": {},
    "POST /notes": {"path": "{place}/speed", "from": shown(at(0)), "to": shown(at(1)), "text": "new"},
    "POST /notification-channels": CHANNEL,
    "PUT /notification-channels/{channel_id}": CHANNEL,
    "POST /notification-routes": ROUTE,
    "PUT /notification-routes/{route_id}": ROUTE,
    "POST /maintenance": {"reason": "work", "asset": "{place}", "duration": "1h"},
    "PATCH /maintenance/{maintenance_id}": {"reason": "other work"},
    "POST /query": {**WINDOW, "series": ["{place}/speed"]},
    "POST /rejects/preview": {"select": {"path": "{place}/speed"}},
    "POST /rejects/replay": {"select": {"path": "{place}/speed"}},
    "POST /samples": [{"path": "{place}/speed", "time": shown(at(90)), "value": 1.0}],
    "PATCH /series/{series_id}": {"unit": "1/min"},
    "POST /series/{series_id}/entries": {"value": 3.0},
    "POST /series/{series_id}/corrections": {"from": shown(at(0)), "to": shown(at(2)), "reason": "new", "value": 3.0},
}


@dataclass
class Asker:
    """Sends requests to the application and looks at how an answer begins: some have no end."""

    app: Any

    async def ask(
        self, method: str, address: str, headers: Mapping[str, str], body: object = None
    ) -> tuple[int, dict[str, Any], str]:
        """The status, of a refusal the document, and the words."""
        url = httpx.URL(address)
        is_sheet = isinstance(body, str)
        content = body.encode() if isinstance(body, str) else b"" if body is None else msgspec.json.encode(body)
        kind = "text/csv" if is_sheet else "application/json"
        named = {**headers, "content-type": kind, "content-length": str(len(content))}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": url.path,
            "raw_path": url.raw_path,
            "query_string": url.query,
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
            "client": ("192.0.2.1", 4000),
            "server": ("millstream", 80),
        }
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        parts: list[bytes] = []
        sent = iter([{"type": "http.request", "body": content, "more_body": False}])

        async def receive() -> Any:
            message = next(sent, None)
            if message is None:
                # Whoever listens to an answer without end goes away once it has begun.
                await asyncio.shield(started)
                return {"type": "http.disconnect"}
            return message

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                started.set_result(message["status"])
                return
            parts.append(message.get("body", b""))

        async with asyncio.timeout(60):
            await self.app(scope, receive, send)
        text = b"".join(parts).decode(errors="replace")
        status = started.result()
        return status, msgspec.json.decode(text) if status >= 400 and text[:1] == "{" else {}, text


@dataclass
class Desk:
    """Two halls, who asks, and the operations of the document."""

    plant: Plant
    asker: Asker
    document: dict[str, Any]

    def operations(self) -> dict[str, dict[str, Any]]:
        """Every operation as the table names it."""
        paths = self.document["paths"].items()
        return {
            f"{method.upper()} {path}": item[method] for path, item in paths for method in METHODS.intersection(item)
        }

    async def ask(
        self, name: str, headers: Mapping[str, str], ids: Mapping[str, Any] | None = None, place: str | None = None
    ) -> tuple[int, str, str]:
        """Status, kind of refusal and its words; about a hall, or with an empty body about nothing."""
        method, path = name.split(" ", 1)
        api = "/api/v1" if path.startswith("/api/v1") else ""
        address = api + addressed(path, dict(ids or {}))
        body: object = None if method == "GET" else {}
        if place is not None:
            parameters = self.operations()[name].get("parameters", [])
            needed = [each["name"] for each in parameters if each["in"] == "query" and each.get("required")]
            needed += ["series", "interval"] if name == "GET /api/v1/query" else []
            window = {"from": shown(at(-3600)), "to": shown(at(3600)), "series": f"{place}/speed", "interval": "1m"}
            address = str(httpx.URL(address, params={each: window.get(each, "1") for each in needed}))
            body = filled(BODIES.get(name.replace("/api/v1", ""), body), {**NEVER, **(ids or {}), "place": place})
        status, refusal, text = await self.asker.ask(method, address, headers, body)
        assert status < 500 or refusal.get("type") == f"{TYPE}ingest-unavailable", (name, text)
        return status, refusal.get("type", "").removeprefix(TYPE), text


def filled(body: object, names: Mapping[str, Any]) -> object:
    """A body with the names of a hall in it."""
    text = msgspec.json.encode(body).decode()
    for name, value in names.items():
        text = text.replace("{" + name + "}", str(value))
    return msgspec.json.decode(text)


@asynccontextmanager
async def open_desk(url: str) -> AsyncGenerator[Desk]:
    """Serve the plant."""
    async with serve_api(url, rate_per_minute=1_000_000, database_pool_size=16) as api:
        document = (await api.client.get("/openapi.json")).json()
        plant = await two_halls(api)
        admin = await plant.caller("admin", "**")
        for ids, place in ((plant.inside, INSIDE), (plant.ids, OUTSIDE)):
            calculation = filled({**DOUBLE, "path": "{place}/double"}, {"place": place})
            made = await plant.ask("POST", "/calculations", admin, json=calculation)
            ids["calculation_id"] = made.json()["id"]
        replay = filled(BODIES["POST /alarm-definitions/replay"], {"place": OUTSIDE})
        plant.ids["replay_id"] = (await plant.ask("POST", "/alarm-definitions/replay", admin, json=replay)).json()["id"]
        yield Desk(plant, Asker(application(api)), document)


def application(api: Api) -> Any:
    """What the client talks to."""
    return api.client._transport.app  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]


async def callers(plant: Plant) -> dict[str, dict[str, str]]:
    """The headers of one caller of each kind, none limited."""
    found: dict[str, dict[str, str]] = {"nobody": {}}
    for role in ROLES:
        found[role] = await plant.caller(role, "**")
    for scope in SCOPES:
        found[scope] = {"Authorization": f"Bearer {await plant.api.fill.key(None, [scope])}"}
    grant = {"name": "for a guest", "terms": terms_of(INSIDE)}
    made = (await plant.ask("POST", "/grants", found["steward"], json=grant)).json()
    key = (await plant.ask("POST", f"/grants/{made['id']}/keys", found["steward"], json={"name": "guest"})).json()
    return found | {"share": {"Authorization": f"Bearer {key['key']}"}}


async def test_every_operation_lets_in_whom_the_table_names(postgres_url: str):
    wrong: list[str] = []
    async with open_desk(postgres_url) as desk:
        operations = desk.operations()
        assert operations.keys() == VERDICTS.keys()
        known = await callers(desk.plant)
        for name, (who, _) in VERDICTS.items():
            # At once: each refusal is written down, and a disk is waited for.
            answers = await asyncio.gather(*(desk.ask(name, headers) for headers in known.values()))
            for caller, (status, kind, text) in zip(known, answers, strict=True):
                is_in = kind not in NOT_LET_IN
                if is_in != (caller in WHO[who]):
                    wrong.append(f"{name}: {caller} got {status} {kind}")
                refused = {"nobody": (401, "key-missing"), "share": (401, "key-invalid")}
                # A key of the plant is none of a share.
                expected = (401, "key-invalid") if who == "share" else (403, "role-insufficient")
                if not is_in and (status, kind) != refused.get(caller, expected):
                    wrong.append(f"{name}: {caller} was refused by {status} {kind}")
                if kind == "role-insufficient" and not is_as_described(operations[name], text):
                    wrong.append(f"{name}: {caller} was told {text}")
    assert not wrong, "\n".join(wrong)


def is_as_described(operation: dict[str, Any], text: str) -> bool:
    """Whether a refusal names the role that the description does."""
    needed = re.search(r"Needs the role `(\w+)`|the role `(admin)`", operation["description"])
    return needed is not None and f"needed: the role {needed[1] or needed[2]}" in text


async def test_every_operation_keeps_to_the_reach(postgres_url: str):
    wrong: list[str] = []
    async with open_desk(postgres_url) as desk:
        limited = {
            role: await desk.plant.caller(role, "plant/hall-1/**") for role in ROLES if role not in NEVER_LIMITED
        }
        # What changes most comes last, so that what is asked about is still there.
        order = sorted(VERDICTS, key=lambda name: (name.startswith("DELETE"), not name.startswith("GET")))
        for name in order:
            who, verdict = VERDICTS[name]
            able = [role for role in limited if role in WHO[who]]
            if verdict == "unlimited" and able:
                wrong.append(f"{name}: {verdict}, and of limited reach may {able}")
            if able and verdict not in SAME_FOR_ALL:
                found = await judged(desk, name, limited[able[-1]])
                if found != verdict:
                    wrong.append(f"{name}: {found}, not {verdict}")
    assert not wrong, "\n".join(wrong)


async def judged(desk: Desk, name: str, headers: Mapping[str, str]) -> str:
    """Ask about what is outside, about what was never there, and about what is inside."""
    plant = desk.plant
    outside = await desk.ask(name, headers, plant.ids, OUTSIDE)
    never = await desk.ask(name, headers, {"template_id": plant.ids["template_id"], "version": 1}, NOWHERE)
    inside = await desk.ask(name, headers, plant.inside, INSIDE)
    told = outside[2]
    for word in {OUTSIDE, *map(str, plant.ids.values())}:
        # A refusal says back what was asked for.
        told = told if outside[0] < 400 else told.replace(word, "")
    if SECRET in told:
        return f"told of what is outside: {outside[2][:300]}"
    if outside[:2] != never[:2]:
        return f"told apart: {outside} and {never}"
    return verdict_of(outside[:2], inside[:2])


def verdict_of(outside: tuple[int, str], inside: tuple[int, str]) -> str:
    """What the table calls two answers; what is outside has been told from what was never there by nothing."""
    if outside[0] in {404, 422}:
        if inside[1] == "outside-reach":
            return "absent_or_refused"
        is_there = inside[0] in {200, 201, 202, 204, 409}
        return "absent" if is_there else "nothing" if inside[0] == 404 else f"{outside}, {inside}"
    if outside[1] == "outside-reach":
        return "refused" if inside == outside else "inside_only" if inside[0] == 200 else f"{outside}, {inside}"
    return "filtered" if outside[0] == inside[0] == 200 else f"{outside}, {inside}"


async def test_pages_that_the_document_does_not_name(postgres_url: str):
    async with open_desk(postgres_url) as desk:
        asker, plant = desk.asker, desk.plant
        limited = await plant.caller("viewer", "plant/hall-1/**")
        for name, (unknown, known) in PAGES.items():
            method, path = name.split(" ", 1)
            for headers, expected in (({}, unknown), (limited, known)):
                status, _, text = await asker.ask(method, re.sub(r"\{[^}]*\}", "nothing", path), headers)
                assert status == expected, (name, headers, status)
                assert f"{SECRET}-" not in text
