"""What passes through the outbox: journal rows, what routes owe about them, and messages (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from cloud_api.storage.notifications import JournalRow

PRIORITIES = ("critical", "high", "medium", "low")
ASIDE = frozenset({"shelved", "suppressed", "out_of_service"})


@dataclass(slots=True)
class Item:
    """What a route owes people about one alarm; without `due_at` it only waits to be closed."""

    id: int | None
    route_id: UUID
    alarm_id: UUID
    number: int
    event: str
    group_key: str
    since_at: datetime
    due_at: datetime | None
    step: int
    repeat_count: int
    alarm_count: int
    told_at: datetime | None
    closed_at: datetime | None
    closed_because: str | None
    snapshot: dict[str, Any]

    @property
    def is_open(self) -> bool:
        """Whether somebody may still have to be told."""
        return self.closed_at is None

    def close(self, at: datetime, because: str) -> None:
        """Nobody needs to be told any more."""
        self.closed_at, self.closed_because, self.due_at = at, because, None


@dataclass(frozen=True, slots=True)
class GroupState:
    """What is remembered of a group between its messages."""

    last_sent_at: datetime | None = None
    flood_since: datetime | None = None


class MessageKind(StrEnum):
    """Why a message is sent."""

    ALARM = "alarm"
    ESCALATION = "escalation"
    FLOOD = "flood"
    FLOOD_OVER = "flood_over"
    EVENT = "event"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it is addressed: the step whose channels get it, and what it is about."""

    kind: MessageKind
    step: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Inhibitor:
    """An active alarm that may make others wait."""

    alarm_id: UUID
    path: str
    priority: str
    alarm_class: str | None
    position: str | None


@dataclass(slots=True)
class Book:
    """Items as a step of work changes them: known ones by route, alarm and event, and those it added."""

    known: dict[tuple[UUID, UUID, str], Item] = field(default_factory=dict[tuple[UUID, UUID, str], Item])
    added: list[Item] = field(default_factory=list[Item])
    changed: dict[int, Item] = field(default_factory=dict[int, Item])

    def find(self, route_id: UUID, alarm_id: UUID, event: str) -> Item | None:
        """Find the newest item of this kind."""
        return self.known.get((route_id, alarm_id, event))

    def add(self, item: Item) -> None:
        """Take a new item."""
        self.known[item.route_id, item.alarm_id, item.event] = item
        self.added.append(item)

    def touch(self, item: Item) -> None:
        """Remember that an item has changed."""
        if item.id is not None:
            self.changed[item.id] = item


def snapshot_of(row: JournalRow) -> dict[str, Any]:
    """Keep what a message will say of a row."""
    return {
        "alarm": str(row.alarm_id),
        "definition": str(row.definition_id),
        "journal": row.number,
        "event": row.event,
        "path": row.path,
        "name": row.name,
        "priority": row.priority,
        "level": row.level,
        "value": row.value,
        "limit": row.limit_value,
        "position": row.position,
        "class": row.alarm_class,
        "at": row.at.isoformat(),
        "recorded_at": row.recorded_at.isoformat(),
        "message_en": row.message_en,
        "message_zh": row.message_zh,
        "who": row.who,
        "comment": row.comment,
        "note": row.note,
    }


def dimension(name: str, facts: Mapping[str, Any]) -> str:
    """Read one of the things that alarms can have in common, from a snapshot."""
    levels = str(facts["path"]).split("/")
    match name:
        case "area":
            return "/".join(levels[:2])
        case "line":
            return "/".join(levels[:3])
        case _:
            return str(facts.get(name) or "")
