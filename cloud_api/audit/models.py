"""What requests and answers about the audit look like."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.instants import Instant


class AuditParameters(BaseModel):
    """Of GET /audit."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    who: str | None = Field(default=None, max_length=100, description="Exactly this user or key")
    action: str | None = Field(
        default=None, max_length=64, pattern=r"^[a-z_.]+$", description="An action, or what actions begin with: `user.`"
    )
    subject: str | None = Field(default=None, max_length=1_300, description="Exactly what it was done to")
    from_: str | None = Field(default=None, alias="from", description="RFC 3339; included")
    to: str | None = Field(default=None, description="RFC 3339; excluded")
    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")


class AuditEntry(BaseModel):
    """One thing that somebody did, or was refused."""

    id: int
    at: Instant
    who: str
    action: str
    subject: str | None
    detail: dict[str, Any] | None


class AuditPage(BaseModel):
    """Of GET /audit."""

    items: list[AuditEntry]
    next: str | None
