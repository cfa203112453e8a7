"""What requests and answers about the audit look like."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.instants import Instant
from cloud_api.storage.audit import Outcome


class AuditParameters(BaseModel):
    """Of GET /audit."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    who: str | None = Field(default=None, max_length=100, description="Exactly this user or key")
    action: str | None = Field(
        default=None, max_length=64, pattern=r"^[a-z_.]+$", description="An action, or what actions begin with: `user.`"
    )
    subject: str | None = Field(default=None, max_length=1_300, description="Exactly what it was done to")
    outcome: Outcome | None = Field(default=None, description="done, refused or failed")
    address: str | None = Field(default=None, max_length=100, description="Exactly this address")
    from_: str | None = Field(default=None, alias="from", description="RFC 3339; included")
    to: str | None = Field(default=None, description="RFC 3339; excluded")
    limit: int = Field(default=100, ge=1, le=10_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")
    excel: bool = Field(default=False, description="CSV for spreadsheets: byte order mark, no live formulas")


class AuditEntry(BaseModel):
    """One thing that somebody did, or was refused."""

    id: int
    number: int | None = Field(description="1, 2, 3 … without holes along the chain; none while it is not sealed")
    at: Instant
    who: str = Field(description="A user, a key, a command; unknown where nobody has the name that was given")
    via: str | None = Field(
        description="By what that was proved: key:<prefix>, session:<id>, share:<id>, command, system"
    )
    address: str | None = Field(description="From where it came")
    action: str
    subject: str | None
    outcome: Outcome
    detail: dict[str, Any] | None = Field(description="For changes `from` and `to`; for coalesced rows `count`")
    hash: str | None = Field(description="SHA-256 over this row and the hash before it, in hexadecimal digits")


class AuditFinding(BaseModel):
    """Something that is not as it was sealed."""

    kind: str
    number: int = Field(description="Of the row")


class AuditVerification(BaseModel):
    """Whether the chain over the audit is whole."""

    is_whole: bool
    sealed_through: int = Field(description="The number of the last sealed row")
    hash: str = Field(description="Of that row, in hexadecimal digits: worth noting down elsewhere")
    starts_after: int = Field(description="Rows up to here were let go by retention")
    unsealed: int = Field(description="Rows that wait to be sealed")
    findings: list[AuditFinding] = Field(description="The first hundred")


class AuditPage(BaseModel):
    """Of GET /audit."""

    items: list[AuditEntry]
    next: str | None
