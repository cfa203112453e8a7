"""What the routes of alarms give."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from cloud_api.alarms.lifecycle.states import AlarmState, Shelving

Priority = Literal["critical", "high", "medium", "low"]


class Shelf(BaseModel):
    """Who took an alarm off the list, why and until when."""

    at: datetime | None
    until: datetime | None = Field(description="When it ends by itself; a one-shot shelf ends earlier, on inactive")
    by: str | None
    reason: str | None


class Suppression(BaseModel):
    """The rule that suppresses an alarm."""

    at: datetime | None
    rule: str | None = Field(description="The text of the design's rule; null when only maintenance suppresses")
    maintenance_id: UUID | None


class Absence(BaseModel):
    """Who took an alarm out of service, why, and on which work order."""

    at: datetime | None
    by: str | None
    reason: str | None
    order_number: str | None


class Alarm(BaseModel):
    """One alarm as operators see it. Names of OPC UA Part 9 stand beside the fields that mirror them."""

    id: UUID
    version: int = Field(description="Grows with everything that happens to the alarm; also the ETag")
    path: str = Field(description="Where it stands: the path of a series, or of an asset (InputNode)")
    series_id: int | None
    definition_id: UUID
    definition_version: int
    name: str | None
    condition: str = Field(
        description="limit, deviation, rate, discrete, stale, bad_quality, counter_stopped, expression"
    )
    class_: str | None = Field(alias="class")
    position: str | None = Field(description="The operator position that answers it")
    state: AlarmState = Field(description="What is shown of it, derived from the memories below")
    active: bool = Field(description="Whether the condition holds (ActiveState)")
    acknowledged: bool = Field(description="Whether somebody has seen it (AckedState)")
    latched: bool = Field(description="Whether it waits for a reset after it has gone (LatchedState)")
    shelving: Shelving = Field(description="ShelvingState")
    suppressed: bool = Field(description="By a rule of the design, or by maintenance (SuppressedState)")
    out_of_service: bool = Field(description="OutOfServiceState")
    suppressed_or_shelved: bool = Field(description="Any of the three (SuppressedOrShelved)")
    latching: bool
    max_shelved_s: int = Field(description="The longest that it may be shelved (MaxTimeShelved)")
    priority: Priority
    level: str | None = Field(description="hihi, hi, lo or lolo; null for conditions without levels")
    value: float | None = Field(description="The value that was judged")
    unit: str | None = Field(description="Of `value` and `limit`, as °C, or °C/min of a rate")
    status: int = Field(description="Its OPC UA StatusCode")
    limit: float | None
    message: str = Field(description="In the language of Accept-Language: Chinese when it begins with zh, else English")
    message_en: str
    message_zh: str
    note: str | None
    raised_at: datetime | None = Field(description="When the condition began, by the source's time")
    cleared_at: datetime | None = Field(description="When it ended; null while it holds")
    annunciated_at: datetime | None = Field(description="When it last asked for attention, by the service's time")
    raise_count: int = Field(description="How often it was raised")
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    shelf: Shelf | None
    suppression: Suppression | None
    absence: Absence | None
    assignee: str | None
    comment: str | None = Field(description="The last remark; the journal has them all")
    changed_at: datetime
    retired_at: datetime | None = Field(description="When its definition, or this place of it, was removed")


class Guidance(BaseModel):
    """What its definition, as it is at this place, says to the operator."""

    action: str = Field(description="What to do, in the language of Accept-Language")
    action_en: str
    action_zh: str
    cause: str
    consequence: str = Field(description="What happens if nobody acts")
    response: str
    time_to_respond_s: float | None
    owner: str


class AlarmDetail(Alarm):
    """One alarm, with what to do about it."""

    guidance: Guidance | None = Field(description="null when the definition is gone")


class AlarmAnswer(Alarm):
    """An alarm after a verb."""

    changed: bool = Field(description="false: nothing was to be done, `detail` says why")
    detail: str | None


class AlarmCountsShown(BaseModel):
    """How many alarms each list has, and how many of `open` have each priority; filters other than `state` apply."""

    open: int
    active: int
    unacknowledged: int
    returned: int
    latched: int
    shelved: int
    suppressed: int
    out_of_service: int
    listed: int
    critical: int
    high: int
    medium: int
    low: int


class AlarmPage(BaseModel):
    """A page of a list of alarms."""

    items: list[Alarm]
    counts: AlarmCountsShown
    as_of: datetime = Field(description="When this was read: give it as `before` to acknowledge only what was seen")
    next: str | None


class ManyOutcome(BaseModel):
    """What became of one of many alarms."""

    id: UUID
    outcome: Literal["acknowledged", "unchanged", "version_conflict", "unknown"]
    detail: str | None
    version: int | None
    state: AlarmState | None


class ManyAnswer(BaseModel):
    """What became of each of many alarms, and how often."""

    items: list[ManyOutcome]
    acknowledged: int
    unchanged: int
    version_conflict: int
    unknown: int
