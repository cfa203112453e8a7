"""Rows of agents to the bytes of an answer (pure)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from cloud_api.agents.certificates import certificates_told
from cloud_api.instants import format_at
from cloud_api.storage.fleet import AgentRow, UntilRow
from schemas.agent_status import ConfigSummary, DeviceHealth, HealthMessage, decode_health
from schemas.errors import MessageInvalid


def encode_agent_page(rows: Sequence[AgentRow], untils: Sequence[UntilRow], cursor: str | None, now: datetime) -> bytes:
    """Write a page of agents with their devices."""
    by_agent: dict[str, list[UntilRow]] = {row.id: [] for row in rows}
    for until in untils:
        by_agent[until.agent].append(until)
    items = [_agent(row, by_agent[row.id], now) for row in rows]
    return msgspec.json.encode({"items": items, "next": cursor})


def _agent(row: AgentRow, untils: Sequence[UntilRow], now: datetime) -> dict[str, Any]:
    health = _health(row.health)
    backlog = None
    if health is not None:
        oldest_at = _at(health.oldest_at)
        backlog = {"batches": health.backlog_batches, "bytes": health.backlog_bytes, "oldest_at": oldest_at}
    return {
        "id": row.id,
        "status": row.state,
        "status_at": _at(row.state_at),
        "last_seen_at": _at(row.last_seen_at),
        "first_seen_at": _at(row.first_seen_at),
        "backlog": backlog,
        "version": row.version,
        "boot_id": row.boot_id,
        "boot_at": _at(row.boot_at),
        "config_revision": row.config_revision,
        "configuration": _configuration(row.config),
        "health_at": _at(row.health_at),
        "cpu_percent": health.cpu_percent if health else None,
        "rss_bytes": health.rss_bytes if health else None,
        "replaced_by": row.replaced_by,
        "certificates": certificates_told(health.certificates if health else (), now),
        "devices": _devices(health.devices if health else (), untils),
    }


def _devices(healths: Sequence[DeviceHealth], untils: Sequence[UntilRow]) -> list[dict[str, Any]]:
    by_name = {health.name: health for health in healths}
    until_by_name = {until.device: until.until_at for until in untils}
    return [_device(name, by_name.get(name), until_by_name.get(name)) for name in sorted({*by_name, *until_by_name})]


def _device(name: str, health: DeviceHealth | None, until_at: datetime | None) -> dict[str, Any]:
    return {
        "name": name,
        "state": health.state if health else None,
        "error": health.error if health else None,
        "since_at": _at(health.since_at) if health else None,
        "last_sample_at": _at(health.last_sample_at) if health else None,
        "until_at": _at(until_at),
        "configured_tags": health.configured_tags if health else None,
        "delivering_tags": health.delivering_tags if health else None,
        "overruns": health.overruns if health else None,
        "jitter_ms": health.jitter_ms if health else None,
    }


def _configuration(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    said = msgspec.json.decode(text, type=ConfigSummary)
    return {
        "digest": said.digest,
        "files": said.files,
        "devices": said.devices,
        "tags": said.tags,
        "kinds": dict(sorted(said.kinds.items())),
        "written_at": _at(said.written_at),
    }


def _health(text: str | None) -> HealthMessage | None:
    try:
        return decode_health(text.encode()) if text else None
    except MessageInvalid:
        return None


def _at(at: datetime | None) -> str | None:
    return None if at is None else format_at(at)
