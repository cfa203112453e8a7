"""Alarm definitions as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from cloud_api.alarms.definitions.models import Definition
from cloud_api.alarms.definitions.service import Difference, Stored, differences, stored
from cloud_api.alarms.evaluation.roster import decode_plan
from cloud_api.storage.alarm_definitions import DefinitionRow, DefinitionVersionRow
from cloud_api.storage.alarm_instances import InstanceRow

OldAndNew = Annotated[list[Any], Field(min_length=2, max_length=2)]


class Form(StrEnum):
    """How a file of definitions is written."""

    TOML = "toml"
    CSV = "csv"


class StoredDefinition(BaseModel):
    """A definition in force, with its version and where it stands."""

    id: UUID
    version: int
    definition: Definition
    created_at: datetime
    updated_at: datetime
    updated_by: str
    watched: int | None = Field(default=None, description="Places that are evaluated; told of one definition only")
    unfit: int | None = Field(default=None, description="Places that cannot be; `…/places` says why")


class DefinitionPage(BaseModel):
    """Definitions in the order of their names."""

    items: list[StoredDefinition]
    next: str | None = Field(default=None, description="Cursor of the next page")


class VersionAnswer(BaseModel):
    """One version of a definition."""

    version: int
    change: Literal["created", "changed", "deleted"]
    definition: dict[str, Any] = Field(description="The document as it was then")
    changed_at: datetime
    changed_by: str


class ListedVersion(VersionAnswer):
    """One version among the others."""

    changes: dict[str, tuple[Any, Any]] = Field(description="Members that differ from the version before: old, new")


class VersionList(BaseModel):
    """The versions of a definition, the newest first."""

    items: list[ListedVersion]


class PlaceAnswer(BaseModel):
    """One place of a definition: the numbers that count there, or why it cannot be evaluated."""

    path: str
    definition_version: int
    evaluated_by: Literal["ingest", "leader"]
    levels: list[dict[str, Any]] = Field(description="Limits, deadbands and delays as they are at this place")
    problem: str | None = None


class PlacePage(BaseModel):
    """The places of a definition, in byte order of their paths."""

    items: list[PlaceAnswer]
    next: str | None = None


class ApplyRequest(BaseModel):
    """Definitions as they shall be, known by their names."""

    model_config = ConfigDict(extra="forbid")

    definitions: list[dict[str, Any]] = Field(max_length=50_000)
    prune: bool = Field(default=False, description="Delete definitions that are not among these")
    dry_run: bool = Field(default=False, description="Only say what would change")


class ImportRequest(BaseModel):
    """A file of definitions, as `export` writes it."""

    model_config = ConfigDict(extra="forbid")

    format: Form
    content: str = Field(max_length=32_000_000)
    prune: bool = Field(default=False, description="Delete definitions that are not in the file")
    dry_run: bool = Field(default=False, description="Only say what would change")


class CheckRequest(BaseModel):
    """A definition as it might be."""

    model_config = ConfigDict(extra="forbid")

    definition: dict[str, Any]
    id: UUID | None = Field(default=None, description="The definition that it would replace; null: a new one")


class CheckAnswer(BaseModel):
    """What would become of it."""

    changes: dict[str, tuple[Any, Any]] = Field(description="Members that differ from what is in force: old, new")
    watched: int = Field(description="Places that would be evaluated")
    unfit: int = Field(description="Places that could not be")
    places: list[PlaceAnswer] = Field(description="The first twenty of them")


class DifferenceAnswer(BaseModel):
    """What applying changed, or would change."""

    created: list[str]
    changed: dict[str, dict[str, OldAndNew]] = Field(description="Per name: members with old and new value")
    deleted: list[str]
    unchanged: int


def definition_answer(item: Stored, counts: tuple[int, int] | None = None) -> StoredDefinition:
    """Show one definition."""
    row = item.row
    watched, unfit = (None, None) if counts is None else counts
    return StoredDefinition(
        id=row.id,
        version=row.version,
        definition=item.definition,
        created_at=row.created_at,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
        watched=watched,
        unfit=unfit,
    )


def definition_page(rows: Sequence[DefinitionRow], cursor: str | None) -> DefinitionPage:
    """Show a page of definitions."""
    return DefinitionPage(items=[definition_answer(stored(row)) for row in rows], next=cursor)


def version_answer(row: DefinitionVersionRow) -> VersionAnswer:
    """Show one version."""
    return VersionAnswer(
        version=row.version,
        change=row.change,  # pyright: ignore[reportArgumentType] # what the database holds was checked when it was written
        definition=msgspec.json.decode(row.body),
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )


def version_list(rows: Sequence[DefinitionVersionRow]) -> VersionList:
    """Show the versions of a definition, the newest first, each with what it changed."""
    shown = [version_answer(row) for row in rows]
    before: list[dict[str, Any]] = [*(each.definition for each in shown[1:]), {}]
    items = [
        ListedVersion(**each.model_dump(), changes=differences(old, each.definition))
        for each, old in zip(shown, before, strict=True)
    ]
    return VersionList(items=items)


def place_answer(row: InstanceRow) -> PlaceAnswer:
    """Show one place."""
    levels: list[dict[str, Any]] = []
    if row.plan is not None:
        levels = [
            {
                "level": level.name,
                "limit": level.limit if level.name is not None else None,
                "deadband": level.deadband,
                "on_delay_s": level.on_delay_us / 1e6,
                "off_delay_s": level.off_delay_us / 1e6,
                "priority": level.priority,
            }
            for level in decode_plan(row.plan).levels
        ]
    return PlaceAnswer(
        path=row.instance,
        definition_version=row.definition_version,
        evaluated_by=row.owner,  # pyright: ignore[reportArgumentType] # checked by the table
        levels=levels,
        problem=row.problem,
    )


def difference_answer(difference: Difference) -> DifferenceAnswer:
    """Show what differs."""
    return DifferenceAnswer(
        created=difference.created,
        changed={
            name: {member: list(pair) for member, pair in members.items()}
            for name, members in difference.changed.items()
        },
        deleted=difference.deleted,
        unchanged=difference.unchanged,
    )
