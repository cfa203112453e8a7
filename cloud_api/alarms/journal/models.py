"""What the routes of the journal take and give."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.alarms.lifecycle.record import JournalEvent
from cloud_api.alarms.lifecycle.states import AlarmState
from cloud_api.alarms.operation.models import Priority
from cloud_api.globs import MAX_CHARACTERS
from cloud_api.scopes import ASSET

GLOB = "Path glob: `*` is one level, `**` any number of levels"


class JournalParameters(BaseModel):
    """Of GET /alarms/journal."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    alarm: UUID | None = Field(default=None, description="One alarm, by its id")
    path: str | None = Field(default=None, max_length=MAX_CHARACTERS, description=GLOB, examples=["hall/**"])
    asset: str | None = Field(default=None, max_length=MAX_CHARACTERS, description=ASSET)
    event: list[JournalEvent] | None = Field(default=None, description="May be given several times")
    from_: str | None = Field(default=None, alias="from", description="Causes from this instant on (RFC 3339)")
    to: str | None = Field(default=None, description="Causes before this instant (RFC 3339)")
    limit: int = Field(default=100, ge=1, le=10_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")
    excel: bool = Field(default=False, description="CSV for spreadsheets: byte order mark, no live formulas")


class StreamParameters(BaseModel):
    """Of GET /alarms/stream."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = Field(default=None, max_length=MAX_CHARACTERS, description=GLOB, examples=["hall/**"])
    asset: str | None = Field(default=None, max_length=MAX_CHARACTERS, description=ASSET)
    position: list[str] | None = Field(default=None, max_length=100, description="May be given several times")


class JournalEntry(BaseModel):
    """One thing that happened to an alarm; never changed afterwards."""

    number: int = Field(description="1, 2, 3 … without holes, in the order in which it became visible")
    alarm_id: UUID
    alarm_version: int = Field(description="The alarm's version after it")
    definition_id: UUID
    definition_version: int
    path: str
    name: str | None
    condition: str
    class_: str | None = Field(alias="class")
    position: str | None
    event: JournalEvent
    at: datetime = Field(description="When the cause was, by the source's time")
    recorded_at: datetime = Field(description="When it was written down")
    who: str = Field(description="A caller, or system")
    from_: AlarmState = Field(alias="from")
    to: AlarmState
    priority: Priority
    level: str | None
    value: float | None
    status: int
    limit: float | None
    message: str
    message_en: str
    message_zh: str
    comment: str | None = Field(description="What the caller said: comment or reason")
    note: str | None = Field(description="What the system says: why it acted, which rule, which kind of shelf")
    order_number: str | None
    until: datetime | None = Field(description="When a shelf or a maintenance ends")
    assignee: str | None
    late: bool = Field(description="It came after the fact: written down, and nobody was called")
    hash: str = Field(description="SHA-256 over this row and the hash before it, in hexadecimal digits")


class JournalPage(BaseModel):
    """Sealed rows, newest first."""

    items: list[JournalEntry]
    next: str | None
