"""What the journal of messages takes and gives."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.notify.outbox.items import MessageKind


class NotificationState(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    CANCELLED = "cancelled"


class NotificationParameters(BaseModel):
    """Of GET /notifications."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    state: NotificationState | None = Field(default=None, description="dead: gave up, see `last_error`")
    kind: MessageKind | None = None
    channel: UUID | None = None
    route: UUID | None = None
    alarm: UUID | None = None
    from_: str | None = Field(default=None, alias="from", description="Made at or after this instant (RFC 3339)")
    to: str | None = Field(default=None, description="Made before this instant (RFC 3339)")
    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")


class Notification(BaseModel):
    """A message to one channel and what became of it; `id` goes with every copy of it."""

    id: UUID
    kind: MessageKind
    state: NotificationState
    route: UUID | None
    route_name: str | None
    channel: UUID | None
    channel_name: str
    group: str | None
    step: int | None
    alarms: list[UUID]
    alarm_count: int
    created_at: datetime
    due_at: datetime
    attempts: int
    max_attempts: int
    last_attempt_at: datetime | None
    last_error: str | None
    sent_at: datetime | None
    may_be_copied: bool = Field(description="Its sender died between sending and recording: a second copy may be out")
    link_until_at: datetime | None
    link_used_at: datetime | None
    link_used_by: str | None


class NotificationPage(BaseModel):
    """Messages, newest first."""

    items: list[Notification]
    next: str | None
