"""What the routes of alarms read from the address and from bodies."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from cloud_api.alarms.operation.models import Priority
from cloud_api.globs import MAX_CHARACTERS
from cloud_api.scopes import ASSET
from cloud_api.storage.alarm_list import AlarmList, AlarmOrder

MAX_MANY = 10_000

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Version = Annotated[int, Field(ge=0, le=2**63 - 1, description="The version that was seen; If-Match says the same")]


class AlarmParameters(BaseModel):
    """Of GET /alarms. `priority` and `position` may be given several times."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: AlarmList = Field(
        default=AlarmList.OPEN,
        description="`open`: neither normal nor set aside. `listed`: set aside too. `all`: normal too.",
    )
    priority: list[Priority] | None = Field(default=None)
    position: list[str] | None = Field(default=None, max_length=100)
    path: str | None = Field(default=None, max_length=MAX_CHARACTERS, description="Path glob", examples=["hall/**"])
    asset: str | None = Field(default=None, max_length=MAX_CHARACTERS, description=ASSET)
    q: str | None = Field(default=None, min_length=1, max_length=200, description="Words in path, name or message")
    sort: AlarmOrder = Field(
        default=AlarmOrder.PRIORITY,
        description="`-` turns it round; what is alike comes with the newest first, what has no value comes last",
    )
    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Version | None = None


class CommentRequest(_Asked):
    """A remark, needed."""

    comment: Text


class OptionalCommentRequest(_Asked):
    """A remark, if there is one."""

    comment: Text | None = None


class ShelveRequest(_Asked):
    """Why and for how long an alarm is taken off the list."""

    reason: Text
    duration: str = Field(
        max_length=20,
        description="A length such as 10m, 1h (TimedShelve), or one_shot: until the present, or else the next, active"
        " period ends (OneShotShelve). Either ends after the alarm's maximum (MaxTimeShelved).",
        examples=["10m", "one_shot"],
    )


class OutOfServiceRequest(_Asked):
    """Why an alarm is taken out of service, and the work order that asks for it."""

    reason: Text
    order_number: Name


class AssignRequest(_Asked):
    """Whose work an alarm is; null: nobody's."""

    assignee: Name | None
    comment: Text | None = None


class SeenAlarm(BaseModel):
    """One alarm, and the version of it that was seen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: UUID
    version: Version | None = None


class ManyFilter(BaseModel):
    """Which alarms, as in GET /alarms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Literal["open", "active", "unacknowledged", "returned", "latched"] = "unacknowledged"
    priority: list[Priority] | None = None
    position: list[Name] | None = Field(default=None, max_length=100)
    path: str | None = Field(default=None, max_length=MAX_CHARACTERS)
    asset: str | None = Field(default=None, max_length=MAX_CHARACTERS)
    q: str | None = Field(default=None, min_length=1, max_length=200)
    before: str | None = Field(
        default=None, description="Only what annunciated before this instant: `as_of` of the list that was seen"
    )


class AcknowledgeManyRequest(BaseModel):
    """Alarms by their ids or by a filter, one of the two."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"filter": {"path": "hall/**"}, "comment": "seen"}]},
    )

    ids: list[UUID | SeenAlarm] | None = Field(default=None, min_length=1, max_length=MAX_MANY)
    filter: ManyFilter | None = None
    comment: Text | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "AcknowledgeManyRequest":
        if (self.ids is None) == (self.filter is None):
            raise ValueError("give `ids` or `filter`, one of the two")
        return self
