"""HTTP of channels and routes."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute

from cloud_api.auth.access import Engineer, PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.notify.configuration.channels import Channel, ChannelPage, ChannelRequest, VersionParameters
from cloud_api.notify.configuration.routes import Route, RoutePage, RouteRequest
from cloud_api.notify.configuration.service import (
    change_channel,
    change_route,
    create_channel,
    create_route,
    find_channel,
    find_route,
    forget_channel,
    forget_route,
    show_channel,
    show_route,
)
from cloud_api.problems import Kinds
from cloud_api.storage.notification_configuration import select_channels, select_routes
from cloud_api.storage.pool import transaction

_CHANGES = (Kinds.BODY_INVALID, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED)
_ONE = (Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND)


class Discreet(APIRoute):
    """A route whose refusals never repeat what was sent: it holds passwords."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Handle a request, and take the values out of what validation says."""
        handle = super().get_route_handler()

        async def handle_discreetly(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                told = [_silenced(each) for each in error.errors()]
                raise RequestValidationError(told, body={}) from None

        return handle_discreetly


def _silenced(error: dict[str, Any]) -> dict[str, Any]:
    """What is wrong with a field, without what was in it."""
    if error["type"] == "union_tag_invalid":
        return {**error, "input": None, "msg": "kind must be email, webhook or service"}
    return {**error, "input": None}


channels = APIRouter(prefix="/notification-channels", tags=["notifications"], route_class=Discreet)
routes = APIRouter(prefix="/notification-routes", tags=["notifications"])


@channels.get(
    "",
    response_model=ChannelPage,
    responses=refusals(),
    description="Channels, without their secrets." + role_line(Role.VIEWER),
)
async def list_notification_channels(pool: PoolOf, _caller: Viewer) -> Response:
    """List channels."""
    async with transaction(pool) as connection:
        rows = await select_channels(connection)
    return _json({"items": [show_channel(row) for row in rows]})


@channels.post(
    "",
    response_model=Channel,
    responses=refusals(*_CHANGES),
    description="Make a channel. Audited." + role_line(Role.ENGINEER),
)
async def create_notification_channel(body: ChannelRequest, pool: PoolOf, caller: Engineer) -> Response:
    """Make a channel."""
    async with transaction(pool) as connection:
        row = await create_channel(connection, body, caller.name)
    return _json(show_channel(row))


@channels.get(
    "/{channel_id}",
    response_model=Channel,
    responses=refusals(*_ONE),
    description="One channel." + role_line(Role.VIEWER),
)
async def get_notification_channel(channel_id: UUID, pool: PoolOf, _caller: Viewer) -> Response:
    """Show a channel."""
    async with transaction(pool) as connection:
        row = await find_channel(connection, channel_id)
    return _json(show_channel(row))


@channels.put(
    "/{channel_id}",
    response_model=Channel,
    responses=refusals(*_ONE, *_CHANGES),
    description="Change a channel; a secret that is left out stays, unless the message goes elsewhere. Audited."
    + role_line(Role.ENGINEER),
)
async def put_notification_channel(
    channel_id: UUID,
    body: ChannelRequest,
    parameters: Annotated[VersionParameters, Query()],
    pool: PoolOf,
    caller: Engineer,
) -> Response:
    """Change a channel."""
    async with transaction(pool) as connection:
        row = await change_channel(connection, channel_id, body, parameters.version, caller.name)
    return _json(show_channel(row))


@channels.delete(
    "/{channel_id}",
    response_model=ChannelPage,
    responses=refusals(*_ONE, Kinds.CONFLICT),
    description="Forget a channel that no route uses; answers with those that are left. Audited."
    + role_line(Role.ENGINEER),
)
async def delete_notification_channel(channel_id: UUID, pool: PoolOf, caller: Engineer) -> Response:
    """Delete a channel."""
    async with transaction(pool) as connection:
        await forget_channel(connection, channel_id, caller.name)
        rows = await select_channels(connection)
    return _json({"items": [show_channel(row) for row in rows]})


@routes.get(
    "",
    response_model=RoutePage,
    responses=refusals(),
    description="Routes, in the order in which they are asked." + role_line(Role.VIEWER),
)
async def list_notification_routes(pool: PoolOf, _caller: Viewer) -> Response:
    """List routes."""
    async with transaction(pool) as connection:
        rows = await select_routes(connection)
    return _json({"items": [show_route(row) for row in rows]})


@routes.post(
    "",
    response_model=Route,
    responses=refusals(*_CHANGES),
    description="Make a route. Audited." + role_line(Role.ENGINEER),
)
async def create_notification_route(body: RouteRequest, pool: PoolOf, caller: Engineer) -> Response:
    """Make a route."""
    async with transaction(pool) as connection:
        row = await create_route(connection, body, caller.name)
    return _json(show_route(row))


@routes.get(
    "/{route_id}", response_model=Route, responses=refusals(*_ONE), description="One route." + role_line(Role.VIEWER)
)
async def get_notification_route(route_id: UUID, pool: PoolOf, _caller: Viewer) -> Response:
    """Show a route."""
    async with transaction(pool) as connection:
        row = await find_route(connection, route_id)
    return _json(show_route(row))


@routes.put(
    "/{route_id}",
    response_model=Route,
    responses=refusals(*_ONE, *_CHANGES),
    description="Change a route. Audited." + role_line(Role.ENGINEER),
)
async def put_notification_route(
    route_id: UUID,
    body: RouteRequest,
    parameters: Annotated[VersionParameters, Query()],
    pool: PoolOf,
    caller: Engineer,
) -> Response:
    """Change a route."""
    async with transaction(pool) as connection:
        row = await change_route(connection, route_id, body, parameters.version, caller.name)
    return _json(show_route(row))


@routes.delete(
    "/{route_id}",
    response_model=RoutePage,
    responses=refusals(*_ONE),
    description="Forget a route and what it owes; answers with those that are left. Audited."
    + role_line(Role.ENGINEER),
)
async def delete_notification_route(route_id: UUID, pool: PoolOf, caller: Engineer) -> Response:
    """Delete a route."""
    async with transaction(pool) as connection:
        await forget_route(connection, route_id, caller.name)
        rows = await select_routes(connection)
    return _json({"items": [show_route(row) for row in rows]})


def _json(content: Any) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
