"""Items of one group that are due, to messages: what belongs together, what is a flood, what waits (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cloud_api.notify.configuration.routes import Told
from cloud_api.notify.outbox.items import Draft, GroupState, Inhibitor, Item, MessageKind, dimension
from cloud_api.notify.outbox.routing import Route, prepare_matcher

FLOOD_WINDOW = timedelta(minutes=10)
# So long a held item rests before it is looked at again.
HELD_FOR = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a group does now: its messages, and what is remembered of it."""

    drafts: tuple[Draft, ...]
    group: GroupState


def gather(
    route: Route, group: GroupState, items: Sequence[Item], recent: int, active: Sequence[Inhibitor], now: datetime
) -> Gathered:
    """Decide for the open items of one group; items are changed to what comes next for them.

    `recent` is how many alarms the group met in FLOOD_WINDOW, `active` which alarms could make others wait.
    """
    inhibited = _inhibited(route, items, active)
    for item in inhibited:
        item.due_at = now + HELD_FOR
    free = [item for item in items if item not in inhibited]
    events = [item for item in free if item.event != Told.RAISE and _is_due(item, now)]
    raised = [item for item in free if item.event == Told.RAISE]
    pending = [item for item in raised if item.told_at is None and item.since_at + route.waits[0] <= now]
    drafts = _escalations(route, [item for item in raised if item.told_at is not None and _is_due(item, now)])
    group, kind = _opening(route, group, pending, recent, now)
    if kind is not None:
        drafts = [Draft(kind, 0, tuple(pending)), *drafts]
    if events:
        drafts.append(Draft(MessageKind.EVENT, 0, tuple(events)))
    for draft in drafts:
        for item in draft.items:
            _advance(route, item, draft, now)
    if drafts:
        group = replace(group, last_sent_at=now)
    return Gathered(tuple(drafts), group)


def _opening(
    route: Route, group: GroupState, pending: Sequence[Item], recent: int, now: datetime
) -> tuple[GroupState, MessageKind | None]:
    """Decide whether alarms that nobody was told of yet are told now, and as what.

    In a flood one message goes out, and no second one before fewer than half as many alarms come (standards.md, KPI).
    """
    over = route.request.group.flood_over
    if group.flood_since is not None and 2 * recent < over:
        group = replace(group, flood_since=None)
    if not any(_is_due(item, now) for item in pending):
        return group, None
    if group.flood_since is not None:
        _postpone(pending, now + HELD_FOR)
        for item in pending:
            item.snapshot["held_by_flood"] = True
        return group, None
    if group.last_sent_at is not None and now < group.last_sent_at + route.group_interval:
        _postpone(pending, group.last_sent_at + route.group_interval)
        return group, None
    if recent > over:
        return replace(group, flood_since=now), MessageKind.FLOOD
    was_held = any(item.snapshot.get("held_by_flood") for item in pending)
    return group, MessageKind.FLOOD_OVER if was_held else MessageKind.ALARM


def _postpone(items: Sequence[Item], until_at: datetime) -> None:
    for item in items:
        item.due_at = until_at


def _escalations(route: Route, items: Sequence[Item]) -> list[Draft]:
    """Put what is due at the same step into one message."""
    last = len(route.waits) - 1
    by_step: dict[int, list[Item]] = {}
    for item in items:
        by_step.setdefault(min(item.step, last), []).append(item)
    return [Draft(MessageKind.ESCALATION, step, tuple(group)) for step, group in sorted(by_step.items())]


def _advance(route: Route, item: Item, draft: Draft, now: datetime) -> None:
    """After its message: the next step, the last one again, or nothing but waiting for the acknowledgement."""
    item.told_at = now
    if draft.kind is MessageKind.EVENT:
        item.close(now, "told")
        return
    repeat = route.request.repeat
    if item.step >= len(route.waits):
        item.repeat_count += 1
    item.step = max(draft.step + 1, min(item.step, len(route.waits)))
    if item.step < len(route.waits):
        item.due_at = max(item.since_at + route.waits[item.step], now)
    elif repeat is not None and route.repeat_every is not None and item.repeat_count < repeat.times:
        item.due_at = now + route.repeat_every
    else:
        item.due_at = None


def _inhibited(route: Route, items: Sequence[Item], active: Sequence[Inhibitor]) -> list[Item]:
    """Find the items that wait because an alarm which explains them is active; no alarm explains itself."""
    found: list[Item] = []
    for inhibition in route.request.inhibit:
        matcher = prepare_matcher(inhibition.while_)
        causes = [each for each in active if matcher.takes(each.path, each.priority, each.alarm_class, each.position)]
        for item in items:
            if item in found or item.event != Told.RAISE:
                continue
            cause = next((each for each in causes if _explains(each, item, inhibition.same)), None)
            if cause is not None:
                item.snapshot["inhibited_by"] = cause.path
                found.append(item)
    return found


def _explains(cause: Inhibitor, item: Item, same: Sequence[str]) -> bool:
    facts = {"path": cause.path, "position": cause.position, "class": cause.alarm_class}
    is_alike = all(dimension(name, facts) == dimension(name, item.snapshot) for name in same)
    return cause.alarm_id != item.alarm_id and is_alike


def _is_due(item: Item, now: datetime) -> bool:
    return item.due_at is not None and item.due_at <= now
