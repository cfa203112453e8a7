"""Channels and routes: make, change, forget; each change is audited in its transaction, without its secrets."""

from typing import Any
from uuid import UUID

import msgspec

from cloud_api.instants import format_at
from cloud_api.notify.configuration.channels import (
    SECRETS,
    EmailChannel,
    ServiceChannel,
    WebhookChannel,
    split_secrets,
)
from cloud_api.notify.configuration.routes import RouteRequest
from cloud_api.notify.configuration.services import find_service
from cloud_api.problems import Kinds, Problem, body_invalid, not_found
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.failures import DOUBLED
from cloud_api.storage.notification_configuration import (
    ChannelRow,
    NewChannel,
    NewRoute,
    RouteRow,
    delete_channel,
    delete_route,
    insert_channel,
    insert_route,
    lock_channel,
    lock_route,
    select_channels,
    select_routes,
    update_channel,
    update_route,
)
from cloud_api.storage.pool import Connection

AnyChannel = EmailChannel | WebhookChannel | ServiceChannel


async def find_channel(connection: Connection, channel_id: UUID) -> ChannelRow:
    """Read one channel, or say that there is none."""
    rows = await select_channels(connection, [channel_id])
    if not rows:
        raise not_found("channel", "id", str(channel_id))
    return rows[0]


async def create_channel(connection: Connection, channel: AnyChannel, who: str) -> ChannelRow:
    """Make a channel."""
    shown, secrets = split_secrets(channel)
    if not secrets and channel.kind != "email":
        raise body_invalid(SECRETS[channel.kind], None, "is needed to make a channel", "the secret of the channel")
    try:
        channel_id = await insert_channel(connection, _new_channel(channel, shown, secrets), who)
    except DOUBLED as error:
        raise _name_taken(channel.name) from error
    await insert_audit(
        connection, who, "notification_channel.create", str(channel_id), _audited(channel, shown, secrets)
    )
    return await find_channel(connection, channel_id)


async def change_channel(
    connection: Connection, channel_id: UUID, channel: AnyChannel, version: int | None, who: str
) -> ChannelRow:
    """Change a channel; a secret that is not given stays as it is, unless the channel becomes another kind."""
    row = await lock_channel(connection, channel_id)
    if row is None:
        raise not_found("channel", "id", str(channel_id))
    _check_version(version, row.version)
    shown, secrets = split_secrets(channel)
    kept = secrets or (msgspec.json.decode(row.secrets) if row.kind == channel.kind else {})
    if not kept and channel.kind != "email":
        raise body_invalid(SECRETS[channel.kind], None, "is needed for another kind of channel", "the secret")
    if not secrets and kept and _place(row.kind, msgspec.json.decode(row.settings)) != _place(channel.kind, shown):
        # Whoever may change where a secret goes must know it.
        raise body_invalid(SECRETS[channel.kind], None, "is needed when the channel goes elsewhere", "the secret")
    try:
        await update_channel(connection, channel_id, _new_channel(channel, shown, kept), who)
    except DOUBLED as error:
        raise _name_taken(channel.name) from error
    before = {"name": row.name, "kind": row.kind, "state": row.state, "language": row.language}
    detail = {"from": before | msgspec.json.decode(row.settings), "to": _audited(channel, shown, secrets)}
    await insert_audit(connection, who, "notification_channel.change", str(channel_id), detail)
    return await find_channel(connection, channel_id)


async def forget_channel(connection: Connection, channel_id: UUID, who: str) -> None:
    """Delete a channel that no route uses."""
    row = await lock_channel(connection, channel_id)
    if row is None:
        raise not_found("channel", "id", str(channel_id))
    users = [
        route.name
        for route in await select_routes(connection)
        for step in RouteRequest.model_validate_json(route.body).steps
        if channel_id in step.channels
    ]
    if users:
        raise Problem(Kinds.CONFLICT, f"routes use this channel: {', '.join(dict.fromkeys(users))}")
    await delete_channel(connection, channel_id)
    await insert_audit(connection, who, "notification_channel.delete", str(channel_id), {"name": row.name})


async def find_route(connection: Connection, route_id: UUID) -> RouteRow:
    """Read one route, or say that there is none."""
    rows = await select_routes(connection, [route_id])
    if not rows:
        raise not_found("route", "id", str(route_id))
    return rows[0]


async def create_route(connection: Connection, route: RouteRequest, who: str) -> RouteRow:
    """Make a route."""
    await _check_channels(connection, route)
    try:
        route_id = await insert_route(connection, _new_route(route), who)
    except DOUBLED as error:
        raise _name_taken(route.name) from error
    await insert_audit(connection, who, "notification_route.create", str(route_id), _body(route))
    return await find_route(connection, route_id)


async def change_route(
    connection: Connection, route_id: UUID, route: RouteRequest, version: int | None, who: str
) -> RouteRow:
    """Change a route; what it owes people already goes on under the new rules."""
    row = await lock_route(connection, route_id)
    if row is None:
        raise not_found("route", "id", str(route_id))
    _check_version(version, row.version)
    await _check_channels(connection, route)
    try:
        await update_route(connection, route_id, _new_route(route), who)
    except DOUBLED as error:
        raise _name_taken(route.name) from error
    detail = {"from": msgspec.json.decode(row.body), "to": _body(route)}
    await insert_audit(connection, who, "notification_route.change", str(route_id), detail)
    return await find_route(connection, route_id)


async def forget_route(connection: Connection, route_id: UUID, who: str) -> None:
    """Delete a route and what it owes."""
    row = await lock_route(connection, route_id)
    if row is None:
        raise not_found("route", "id", str(route_id))
    await delete_route(connection, route_id)
    await insert_audit(connection, who, "notification_route.delete", str(route_id), {"name": row.name})


def show_channel(row: ChannelRow) -> dict[str, Any]:
    """Show a channel, and of its secret only that there is one."""
    secrets = msgspec.json.decode(row.secrets)
    address = secrets.get(SECRETS["service"])
    return {
        "id": str(row.id),
        "name": row.name,
        "version": row.version,
        "kind": row.kind,
        "language": row.language,
        "state": row.state,
        "settings": msgspec.json.decode(row.settings),
        "service": None if address is None else find_service(address).name,
        "has_secret": bool(secrets),
        "updated_at": format_at(row.updated_at),
        "updated_by": row.updated_by,
    }


def show_route(row: RouteRow) -> dict[str, Any]:
    """Show a route as it was given, with everything that it left out."""
    head = {
        "id": str(row.id),
        "version": row.version,
        "updated_at": format_at(row.updated_at),
        "updated_by": row.updated_by,
    }
    return head | msgspec.json.decode(row.body)


async def _check_channels(connection: Connection, route: RouteRequest) -> None:
    wanted = {channel for step in route.steps for channel in step.channels}
    known = {channel.id for channel in await select_channels(connection, list(wanted))}
    for number, step in enumerate(route.steps):
        for place, channel in enumerate(step.channels):
            if channel not in known:
                field = f"steps.{number}.channels.{place}"
                raise body_invalid(field, str(channel), "is no channel", "the id of a notification channel")


def _check_version(wanted: int | None, present: int) -> None:
    if wanted is not None and wanted != present:
        raise Problem(Kinds.CONFLICT, f"it was changed meanwhile: its version is {present}, not {wanted}")


def _place(kind: str, settings: dict[str, Any]) -> tuple[Any, ...]:
    return (kind, settings.get("host"), settings.get("port"), settings.get("security"), settings.get("url"))


def _new_channel(channel: AnyChannel, shown: dict[str, Any], secrets: dict[str, str]) -> NewChannel:
    return NewChannel(
        channel.name,
        channel.kind,
        channel.language.value,
        channel.state.value,
        msgspec.json.encode(shown).decode(),
        msgspec.json.encode(secrets).decode(),
    )


def _new_route(route: RouteRequest) -> NewRoute:
    return NewRoute(route.name, route.place, route.state.value, msgspec.json.encode(_body(route)).decode())


def _body(route: RouteRequest) -> dict[str, Any]:
    return route.model_dump(mode="json", by_alias=True)


def _audited(channel: AnyChannel, shown: dict[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
    head = {"name": channel.name, "kind": channel.kind, "state": channel.state, "language": channel.language}
    return head | shown | {"secret_changed": bool(secrets)}


def _name_taken(name: str) -> Problem:
    taken = body_invalid("name", name, "is taken", "a name that no other has")
    return Problem(Kinds.CONFLICT, taken.detail, fields=taken.fields)
