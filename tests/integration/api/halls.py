"""Two halls of a plant with a row about each in every table: what a limited caller may see, and what it must not."""

import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec

from cloud_api.storage.instants import us_of
from tests.integration.api.service import GOOD, Api, at, shown

SECRET = "secret"
INSIDE, OUTSIDE = "plant/hall-1/press", f"plant/{SECRET}-hall/{SECRET}-press"
# Asked with what would find something outside, if it could be found.
QUESTIONS = {
    "path": "**",
    "asset": OUTSIDE,
    "q": SECRET,
    "from": shown(at(-3600)),
    "to": shown(at(3600)),
    "agent": f"gw-{SECRET}",
    "limit": "50",
}


@dataclass
class Plant:
    """An API with one hall inside and one outside of the reach, and the ids of what is outside."""

    api: Api
    ids: dict[str, Any]
    inside: dict[str, Any]

    async def caller(self, role: str, *globs: str) -> dict[str, str]:
        """The header of a key with that role and reach."""
        return {"Authorization": f"Bearer {await self.api.fill.key(role, reach=list(globs))}"}

    async def ask(self, method: str, path: str, headers: dict[str, str], **more: Any) -> httpx.Response:
        """Ask and expect an answer that is none of the service's own faults."""
        answer = await self.api.client.request(method, f"/api/v1{path}", headers=headers, **more)
        assert answer.status_code < 500, (method, path, answer.text)
        return answer


async def enter(api: Api, place: str, who: str) -> None:
    """A series that people enter values into, and one entry."""
    run = api.fill.run
    entered_id = await api.fill.series(f"{place}/viscosity", agent="~entries")
    await run("insert into entry_series (series_id, made_by) values (%s, %s)", entered_id, who)
    await run(
        "insert into series_entry (series_id, time, value, comment, who, entered_at, caller)"
        " values (%s, %s, '46', %s, %s, now(), 'user:1')",
        *(entered_id, at(0), f"by {who}", who),
    )


async def one_hall(api: Api, place: str, agent: str) -> dict[str, Any]:
    """Fill every table that a caller can read with a row about this hall; returns their ids."""
    run = api.fill.run
    series_id = await api.fill.series(f"{place}/speed", agent=agent, device=f"device-of-{agent}", unit="rpm")
    await api.fill.samples(series_id, [(at(0), 1.0, None, GOOD), (at(1), 2.0, None, GOOD)])
    ((asset_id,),) = await run("insert into asset (path, kind) values (%s, 'asset') returning id", place)
    await run("insert into agent (id, state) values (%s, 'online')", agent)
    await run(
        "insert into agent_until (agent, device, until_at) values (%s, %s, %s)", agent, f"device-of-{agent}", at(10)
    )
    await run(
        "insert into gap (agent, device, from_at, to_at, reason, digest) values (%s, %s, %s, %s, 'device_down', %s)",
        *(agent, f"device-of-{agent}", at(1), at(2), agent.encode()),
    )
    ((reject_id,),) = await run(
        "insert into reject (received_at, last_received_at, agent, path, reason, form, digest, payload_bytes, payload)"
        " values (now(), now(), %s, %s, 'kind_changed', 'samples', %s, 1, %s) returning id",
        *(agent, f"{place}/speed", agent.encode(), msgspec.msgpack.encode(("i64", (us_of(at(3)),), (0,), (7,)))),
    )
    definition_id = uuid4()
    condition = {"kind": "limit", "hi": {"limit": 90}}
    definition = json.dumps({"name": f"{place} high", "target": {"path": f"{place}/speed"}, "condition": condition})
    await run(
        "insert into alarm_definition (id, name, version, is_enabled, kind, priority, alarm_class, position, body,"
        " updated_by) values (%s, %s, 1, true, 'limit', 'high', 'process', 'default', %s::jsonb, 'test')",
        *(definition_id, f"{place} high", definition),
    )
    await run(
        "insert into alarm_instance (definition_id, instance, definition_version, series_id, owner, generation)"
        " values (%s, %s, 1, %s, 'ingest', 1)",
        *(definition_id, f"{place}/speed", series_id),
    )
    ((alarm_id,),) = await run(
        "insert into alarm (definition_id, definition_version, instance, series_id, priority, is_active,"
        " is_acknowledged, state, raised_at, message_en, message_zh)"
        " values (%s, 1, %s, %s, 'high', true, false, 'unacknowledged', now(), %s, %s) returning id",
        *(definition_id, f"{place}/speed", series_id, f"{place} is fast", f"{place} 过快"),
    )
    await run(
        "insert into correction (series_id, from_at, to_at, status, reason, principal, at)"
        " values (%s, %s, %s, 0, %s, 'test', now())",
        *(series_id, at(0), at(1), f"reason of {place}"),
    )
    await run(
        "insert into maintenance (asset, from_at, until_at, reason, who) values (%s, now(), now() + '1 hour', %s, 'x')",
        *(place, f"work at {place}"),
    )
    await run(
        "insert into alarm_definition_version (definition_id, version, change, body, changed_by)"
        " values (%s, 1, 'created', %s::jsonb, 'test')",
        *(definition_id, definition),
    )
    ((rule_id,),) = await run(
        "insert into reject_rule (agent, path, reason, mapping, created_by) values (%s, %s, %s, '{}', 'test')"
        " returning id",
        *(agent, f"{place}/speed", "kind_changed"),
    )
    ((note_id,),) = await run(
        "insert into note (series_id, from_at, to_at, text, who) values (%s, %s, %s, %s, 'test') returning id",
        *(series_id, at(0), at(1), f"note about {place}"),
    )
    grant_id, key_id = await one_share(api, place, series_id)
    ((correction_id,),) = await run("select id from correction where series_id = %s", series_id)
    ((maintenance_id,),) = await run("select id from maintenance where asset = %s", place)
    return {
        "series_id": series_id,
        "asset_id": asset_id,
        "reject_id": reject_id,
        "alarm_id": alarm_id,
        "definition_id": definition_id,
        "correction_id": correction_id,
        "maintenance_id": maintenance_id,
        "rule_id": rule_id,
        "note_id": note_id,
        "grant_id": grant_id,
        "key_id": key_id,
        "agent": agent,
        "new": agent,
        "version": 1,
    }


async def one_share(api: Api, place: str, series_id: int) -> tuple[int, int]:
    """A share of a hall, and a key of it."""
    run = api.fill.run
    ((grant_id,),) = await run(
        "insert into share (name, terms, rolling_s, expires_at, created_by, changed_by)"
        " values (%s, %s::jsonb, 86400, '2099-01-01', 'test', 'test') returning id",
        *(f"share of {place}", json.dumps(terms_of(place))),
    )
    await run(
        "insert into share_version (share_id, version, name, state, terms, changed_by)"
        " select id, version, name, state, terms, changed_by from share where id = %s",
        grant_id,
    )
    await run("insert into share_asset (share_id, path, alias) values (%s, %s, 'press')", grant_id, place)
    await run(
        "insert into share_series (share_id, series_id, alias, asset_path, tag) values (%s, %s, 'press/speed', %s, 0)",
        *(grant_id, series_id, place),
    )
    ((key_id,),) = await run(
        "insert into share_key (share_id, name, kind, prefix, hash, created_by)"
        " values (%s, %s, 'key', %s, 'x', 'test') returning id",
        *(grant_id, f"key of {place}", f"prefix of {place}"),
    )
    await run(
        "insert into share_read (share_id, key_id, version, address, client, what, question)"
        " values (%s, %s, 1, '192.0.2.7', %s, 'data', '{}')",
        *(grant_id, key_id, f"reader of {place}"),
    )
    return int(grant_id), int(key_id)


def terms_of(place: str) -> dict[str, Any]:
    """Terms of a share of a hall."""
    return {
        "provider": place,
        "recipient": f"who gets {place}",
        "purpose_en": "test",
        "purpose_zh": "测试",
        "assets": [{"path": place, "alias": "press"}],
        "tags": [{"path": "speed", "alias": "speed", "aggregates": ["average"]}],
        "window": {"last_days": 1},
        "expires_at": "2099-01-01T00:00:00Z",
    }


# What was never there; numbers that no table has reached.
NEVER: dict[str, Any] = {
    "series_id": 2**31 - 9,
    "alarm_id": UUID(int=7),
    "definition_id": UUID(int=8),
    "maintenance_id": UUID(int=9),
    "notification_id": UUID(int=10),
    "replay_id": UUID(int=11),
    "channel_id": UUID(int=12),
    "route_id": UUID(int=13),
    "agent": "gw-never",
    "new": "gw-never",
    "name": "never",
}


def addressed(path: str, ids: dict[str, Any]) -> str:
    """An address of the document below /api/v1 with these ids in its places, else what was never there."""
    return re.sub(
        r"\{(\w+)\}", lambda match: str(ids.get(match[1], NEVER.get(match[1], 10**9))), path.removeprefix("/api/v1")
    )


async def two_halls(api: Api) -> Plant:
    """Fill a plant."""
    ((template_id,),) = await api.fill.run("insert into asset_template (name) values ('press') returning id")
    both = {"template_id": template_id}
    inside = both | await one_hall(api, INSIDE, "gw-open")
    await enter(api, INSIDE, "gw-open")
    outside = both | await one_hall(api, OUTSIDE, f"gw-{SECRET}")
    await enter(api, OUTSIDE, f"gw-{SECRET}")
    return Plant(api, outside, inside)
