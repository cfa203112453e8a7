"""The inbox of rejects as the API takes and gives it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cloud_api.ingest.mapping import Mapping
from cloud_api.sheets import SheetForm
from schemas.sample import Kind, path_problem

MAX_REPLAYED = 1_000


class Remember(StrEnum):
    """Whether a mapping is kept for what will be put aside in the future."""

    NO = "no"
    RULE = "rule"


class GroupParameters(BaseModel):
    """Of GET /rejects/groups."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agent: str | None = Field(default=None, max_length=64)
    path: str | None = Field(default=None, max_length=2_000, description="The wire path")
    reason: str | None = Field(default=None, max_length=64)
    csv: SheetForm = SheetForm.PLAIN
    limit: int = Field(default=100, ge=1, le=1_000)


class RejectGroup(BaseModel):
    """Rejects of one agent, path and reason that are open."""

    agent: str | None
    path: str | None
    reason: str
    form: str
    rejects: int
    samples: int
    payload_bytes: int
    first_at: datetime | None
    last_at: datetime | None
    newest_id: int


class RejectGroups(BaseModel):
    """The largest groups first."""

    items: list[RejectGroup]


class Selection(BaseModel):
    """Which open rejects are meant: by ids, or all of an agent, path and reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ids: list[int] | None = Field(default=None, min_length=1, max_length=MAX_REPLAYED)
    agent: str | None = Field(default=None, max_length=64)
    path: str | None = Field(default=None, max_length=2_000)
    reason: str | None = Field(default=None, max_length=64)


class MappingModel(BaseModel):
    """What to change before samples are tried again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = Field(default=None, description="Another wire path: rename")
    kind: Kind | None = Field(default=None, description="Another kind, exactly: retype")
    scale: float | None = Field(default=None, allow_inf_nan=False, description="value × scale + offset: rescale")
    offset: float | None = Field(default=None, allow_inf_nan=False)

    @field_validator("path")
    @classmethod
    def _is_path(cls, path: str | None) -> str | None:
        problem = None if path is None else path_problem(path)
        if problem:
            raise ValueError(problem)
        return path

    def mapping(self) -> Mapping:
        """As ingest takes it."""
        return Mapping(self.path, self.kind, self.scale, self.offset)


class PreviewRequest(BaseModel):
    """What to show before anything is stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    select: Selection
    mapping: MappingModel = MappingModel()
    samples: int = Field(default=10, ge=1, le=1_000)


class PreviewedSample(BaseModel):
    """One sample before and after."""

    reject_id: int
    path: str
    time: str
    status: int
    before: Any
    after: Any


class Preview(BaseModel):
    """What a replay would send."""

    rejects: int = Field(description="Open rejects that are meant")
    samples: int
    shown: list[PreviewedSample]
    problems: list[str]


class ReplayRequest(BaseModel):
    """What to try again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    select: Selection
    mapping: MappingModel = MappingModel()
    remember: Remember = Remember.NO
    limit: int = Field(default=MAX_REPLAYED, ge=1, le=MAX_REPLAYED)


class ReplayFailure(BaseModel):
    """A reject that stays, and why."""

    reject_id: int
    detail: str


class ReplayReport(BaseModel):
    """What became of many replays."""

    rejects: int = Field(description="How many were tried")
    replayed: int = Field(description="Stored whole; the others stay")
    stored: int
    unchanged: int
    overwritten: int
    failures: list[ReplayFailure] = Field(description="At most 100")
    left: int = Field(description="Open rejects that are meant and were not tried yet; ask again")
    rule_id: int | None


class RejectRule(BaseModel):
    """A mapping that is applied to what is put aside from now on."""

    id: int
    agent: str
    path: str
    reason: str
    mapping: MappingModel
    applied: int = Field(description="Rejects that it has replayed")
    created_by: str
    created_at: datetime


class RejectRules(BaseModel):
    """Rules in the order in which they were made."""

    items: list[RejectRule]
