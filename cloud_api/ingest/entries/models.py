"""What the routes of entries take and give, as OpenAPI shows it."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cloud_api.instants import Instant

MOST_CHOICES = 100


class EnteredKind(StrEnum):
    """What values of such a series are."""

    NUMBER = "f64"
    INTEGER = "i64"
    BOOLEAN = "bool"
    TEXT = "str"


class IfExists(StrEnum):
    """What becomes of an entry that stands at the same instant already."""

    REFUSE = "refuse"
    REPLACE = "replace"


class Shown(StrEnum):
    """Whether a listing shows entries that others have replaced."""

    EXCLUDE = "exclude"
    INCLUDE = "include"


class EntryTerms(BaseModel):
    """What values of a series may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float | None = Field(default=None, allow_inf_nan=False, description="The least number that is taken")
    high: float | None = Field(default=None, allow_inf_nan=False, description="The greatest number that is taken")
    choices: list[Any] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_CHOICES,
        description="The only values that are taken, of the kind of the series; null: all within the range",
        examples=[["ok", "scratched", "broken"]],
    )


class NewEntrySeries(EntryTerms):
    """A series for values that people enter."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "path": "hangzhou/lab/oil-bath-2/viscosity",
                    "kind": "f64",
                    "unit": "mm2/s",
                    "description": "Viscosity at 40 °C, by the laboratory",
                    "low": 20,
                    "high": 80,
                }
            ]
        },
    )

    path: str = Field(min_length=1, max_length=1_300, description="Where the series shows; it must be free")
    kind: EnteredKind = Field(default=EnteredKind.NUMBER, description="f64, i64, bool or str; it stays")
    unit: str | None = Field(default=None, max_length=64)
    description: str | None = Field(default=None, max_length=1_000)


class NewEntry(BaseModel):
    """One value, as somebody has read or measured it."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"value": 46.2, "time": "2026-01-31T08:00:00Z", "comment": "sample 4711, second reading"}]
        },
    )

    value: Any = Field(description="Of the kind of the series, within its range, one of its choices")
    time: str | None = Field(default=None, description="When it was so (RFC 3339), not in the future; null: now")
    comment: Annotated[str, StringConstraints(max_length=1_000, strip_whitespace=True)] = ""
    if_exists: IfExists = Field(
        default=IfExists.REFUSE,
        description="Of an instant with an entry: `refuse` another value, or `replace` it (one's own; engineers any). "
        "The entry that was replaced stays in the list",
    )


class Entry(BaseModel):
    """What somebody has entered."""

    id: int
    series_id: int
    time: Instant
    value: Any
    comment: str
    who: str
    entered_at: Instant
    replaced_at: Instant | None = Field(description="When another entry took its place; null: it stands")
    replaced_by: str | None


class EntryPage(BaseModel):
    """Entries of one series, the newest time first."""

    items: list[Entry]
    next: str | None


class EntrySeries(BaseModel):
    """A series that people enter values into."""

    series_id: int
    path: str
    kind: str
    unit: str | None
    description: str | None
    low: float | None
    high: float | None
    choices: list[Any] | None
    made_by: str
    created_at: Instant
    retired_at: Instant | None
    last: Entry | None = Field(description="The entry of the newest time")


class EntrySeriesPage(BaseModel):
    """Series for entries in byte order of their paths."""

    items: list[EntrySeries]
    next: str | None


class EntryParameters(BaseModel):
    """Of GET /series/{id}/entries."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: str | None = Field(default=None, alias="from", description="The first instant, included (RFC 3339)")
    to: str | None = Field(default=None, description="The last instant, excluded (RFC 3339)")
    replaced: Shown = Field(default=Shown.EXCLUDE, description="Whether entries that were replaced are shown as well")
    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, max_length=4096, description="`next` of the page before")
