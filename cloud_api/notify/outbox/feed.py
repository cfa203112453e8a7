"""The two steps before sending, each in one transaction: journal rows to items, due items to messages."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from cloud_api.notify.configuration.routes import RouteRequest, Told
from cloud_api.notify.outbox.grouping import FLOOD_WINDOW, gather
from cloud_api.notify.outbox.items import Book, Draft, GroupState, Inhibitor, Item
from cloud_api.notify.outbox.routing import Route, apply_row, prepare_route
from cloud_api.storage.notification_configuration import select_channels, select_routes
from cloud_api.storage.notification_outbox import NewNotification, insert_notification
from cloud_api.storage.notifications import (
    GroupRow,
    ItemRow,
    insert_notification_item,
    select_alarms_active,
    select_notification_cursor,
    select_notification_groups_due,
    select_notification_item_count,
    select_notification_items_last,
    select_notification_items_open,
    select_sealed_rows,
    update_notification_cursor,
    update_notification_item,
    upsert_notification_group,
)
from cloud_api.storage.pool import Connection

FEED_ROWS = 500
FLUSH_GROUPS = 100
GROUP_ITEMS = 2_000
ACTIVE_ALARMS = 20_000
KEPT_ALARMS = 100


@dataclass(frozen=True, slots=True)
class OutboxOptions:
    """What every message gets: how often it is tried, and how long its link works (None: no link)."""

    max_attempts: int
    link_lifetime: timedelta | None


async def feed(connection: Connection) -> int:
    """Read the next sealed rows, note what routes owe, move the cursor; returns how many rows there were."""
    number = await select_notification_cursor(connection)
    rows = await select_sealed_rows(connection, number, FEED_ROWS)
    if not rows:
        return 0
    routes = await load_routes(connection)
    if routes:
        last = await select_notification_items_last(connection, list({row.alarm_id for row in rows}))
        book = Book({(item.route_id, item.alarm_id, item.event): item for item in map(_item, last)})
        for row in rows:
            apply_row(row, routes, book)
        await insert_notification_item(connection, [_row(item) for item in book.added])
        await update_notification_item(connection, [_row(item) for item in book.changed.values()])
    await update_notification_cursor(connection, rows[-1].number)
    return len(rows)


async def flush(connection: Connection, now: datetime, options: OutboxOptions) -> int:
    """Write the messages of every group that has something due; returns how many."""
    groups = await select_notification_groups_due(connection, now, FLUSH_GROUPS)
    if not groups:
        return 0
    routes = {route.id: route for route in await load_routes(connection)}
    has_inhibition = any(routes[group.route_id].request.inhibit for group in groups if group.route_id in routes)
    active = [
        Inhibitor(each.id, each.instance, each.priority, each.alarm_class, each.position)
        for each in (await select_alarms_active(connection, ACTIVE_ALARMS) if has_inhibition else [])
    ]
    written: list[NewNotification] = []
    for group in groups:
        route = routes.get(group.route_id)
        written += await _flush_group(connection, route, group, active, now, options)
    await insert_notification(connection, written)
    return len(written)


async def load_routes(connection: Connection) -> list[Route]:
    """Read the routes that are in use, in their order."""
    return [
        prepare_route(row.id, RouteRequest.model_validate_json(row.body))
        for row in await select_routes(connection, state="enabled")
    ]


async def _flush_group(
    connection: Connection,
    route: Route | None,
    group: GroupRow,
    active: Sequence[Inhibitor],
    now: datetime,
    options: OutboxOptions,
) -> list[NewNotification]:
    rows = await select_notification_items_open(connection, group.route_id, group.group_key, GROUP_ITEMS)
    items = [_item(row) for row in rows]
    if route is None:
        for item in items:
            item.close(now, "route_disabled")
        await update_notification_item(connection, [_row(item) for item in items])
        return []
    since_at = now - FLOOD_WINDOW
    recent = await select_notification_item_count(connection, group.route_id, group.group_key, since_at)
    before = GroupState(group.last_sent_at, group.flood_since)
    gathered = gather(route, before, items, recent, active, now)
    written: list[NewNotification] = []
    for draft in gathered.drafts:
        written += await _address(connection, route, group.group_key, draft, now, options)
    await update_notification_item(connection, [_row(item) for item in items])
    if gathered.group != before:
        state = gathered.group
        await upsert_notification_group(
            connection, GroupRow(group.route_id, group.group_key, state.last_sent_at, state.flood_since)
        )
    return written


async def _address(
    connection: Connection, route: Route, group_key: str, draft: Draft, now: datetime, options: OutboxOptions
) -> list[NewNotification]:
    """Make one message for each channel of the draft's step; one that cannot be used is noted all the same."""
    wanted = route.request.steps[draft.step].channels
    channels = {channel.id: channel for channel in await select_channels(connection, wanted)}
    content = msgspec.json.encode(_content(route, draft)).decode()
    has_link = options.link_lifetime is not None and draft.items[0].event == Told.RAISE
    written: list[NewNotification] = []
    for channel_id in dict.fromkeys(wanted):
        channel = channels.get(channel_id)
        problem = "the channel does not exist" if channel is None else "the channel is disabled"
        is_usable = channel is not None and channel.state == "enabled"
        written.append(
            NewNotification(
                id=uuid4(),
                kind=draft.kind.value,
                route_id=route.id,
                route_name=route.name,
                channel_id=channel_id,
                channel_name=str(channel_id) if channel is None else channel.name,
                group_key=group_key,
                step=draft.step,
                alarm_ids=list(dict.fromkeys(item.alarm_id for item in draft.items)),
                content=content,
                state="waiting" if is_usable else "cancelled",
                due_at=now,
                max_attempts=options.max_attempts,
                last_error=None if is_usable else problem,
                created_at=now,
                link_until_at=now + options.link_lifetime if has_link and options.link_lifetime else None,
            )
        )
    return written


def _content(route: Route, draft: Draft) -> dict[str, Any]:
    calendar = route.request.calendar
    alarms = [{**item.snapshot, "count": item.alarm_count} for item in draft.items[:KEPT_ALARMS]]
    return {
        "alarm_count": len(draft.items),
        "alarms": alarms,
        "zone": "UTC" if calendar is None else calendar.zone,
    }


def _item(row: ItemRow) -> Item:
    values: dict[str, Any] = asdict(row)
    values["snapshot"] = msgspec.json.decode(row.snapshot)
    return Item(**values)


def _row(item: Item) -> ItemRow:
    values: dict[str, Any] = {name: getattr(item, name) for name in Item.__slots__}
    values["snapshot"] = msgspec.json.encode(item.snapshot).decode()
    return ItemRow(**values)
