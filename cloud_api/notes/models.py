"""What requests and answers about notes look like."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cloud_api.instants import Instant

LONGEST = 2_000


class NewNote(BaseModel):
    """Of POST /notes."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "path": "hangzhou/press-shop/line-1/press-03/motor/current",
                    "from": "2026-01-31T08:00:00Z",
                    "to": "2026-01-31T08:20:00Z",
                    "text": "Bearing replaced",
                }
            ]
        },
    )

    path: str = Field(min_length=1, max_length=1_300, description="Exact path of a series or of an asset")
    from_: str = Field(alias="from", description="The first instant it is about (RFC 3339)")
    to: str = Field(description="The last one; the same for a moment")
    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST, strip_whitespace=True)]


class Note(BaseModel):
    """What somebody has written."""

    id: int
    path: str = Field(description="Where the series or asset is now: a note moves along")
    is_series: bool
    from_at: Instant
    to_at: Instant
    text: str
    who: str
    created_at: Instant


class NotePage(BaseModel):
    """Notes, the newest first."""

    items: list[Note]
    next: str | None


class NoteParameters(BaseModel):
    """Of GET /notes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    about: str | None = Field(
        default=None, max_length=1_300, description="Exact path: notes on it and on the assets that it belongs to"
    )
    from_: str | None = Field(default=None, alias="from", description="Notes that end at or after this (RFC 3339)")
    to: str | None = Field(default=None, description="Notes that begin before this (RFC 3339)")
    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")

    @property
    def question(self) -> tuple[Any, ...]:
        """What a cursor belongs to."""
        return ("notes", self.about, self.from_, self.to)
