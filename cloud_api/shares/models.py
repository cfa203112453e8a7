"""What requests and answers about shares look like to their owners."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.instants import Instant
from cloud_api.shares.terms import Terms


class ShareState(StrEnum):
    """Whether a share can be read."""

    ACTIVE = "active"
    PAUSED = "paused"
    REVOKED = "revoked"
    EXPIRED = "expired"


class KeyKind(StrEnum):
    """What the recipient is given: a key for programs, or a link for people."""

    KEY = "key"
    LINK = "link"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewGrant(_Body):
    """Of POST /grants, and of POST /grants/preview."""

    name: str = Field(min_length=1, max_length=100)
    terms: Terms


class GrantChange(_Body):
    """Of PUT /grants/{id}."""

    name: str = Field(min_length=1, max_length=100)
    terms: Terms
    version: int = Field(ge=1, description="The version that you saw")


class NewGrantKey(_Body):
    """Of POST /grants/{id}/keys."""

    name: str = Field(min_length=1, max_length=100, description="Whose it is")
    kind: KeyKind = KeyKind.KEY
    days: int | None = Field(default=None, ge=1, le=3_660, description="null: as long as the share")


class GrantKeyRotation(_Body):
    """Of POST /grants/{id}/keys/{id}/rotate."""

    overlap_hours: int = Field(default=24, ge=0, le=24 * 90, description="How long the old key still works")


class GrantedSeries(BaseModel):
    """A series of a share; `path` is never shown outside."""

    id: int
    path: str
    alias: str
    tag: int = Field(description="The place of its tag among the terms', from 0")
    is_held_back: bool = Field(
        description="It is calculated on the fly, and its formula was changed after the terms were looked at: "
        "not shared until they are saved again"
    )


class GrantedAsset(BaseModel):
    """An asset of a share; `path` is never shown outside."""

    path: str
    alias: str


class GrantContent(BaseModel):
    """What the terms of a share mean."""

    assets: list[GrantedAsset]
    series: list[GrantedSeries]


class GrantSummary(BaseModel):
    """A share in a list."""

    id: int
    name: str
    state: ShareState
    version: int
    recipient: str
    expires_at: Instant
    spent_rows: int = Field(description="Rows read since it was made")
    spent_rows_today: int
    created_at: Instant
    created_by: str
    changed_at: Instant
    changed_by: str


class Grant(GrantSummary):
    """A share with its terms and what they mean now."""

    terms: Terms
    content: GrantContent


class GrantPage(BaseModel):
    """Of GET /grants."""

    items: list[GrantSummary]
    next: str | None


class GrantVersion(BaseModel):
    """What a share was after one change."""

    version: int
    name: str
    state: str
    terms: Terms
    changed_at: Instant
    changed_by: str


class GrantVersions(BaseModel):
    """Of GET /grants/{id}/versions, the newest first."""

    items: list[GrantVersion]


class GrantKey(BaseModel):
    """A key or a link of a share: never the secret itself."""

    id: int
    name: str
    kind: KeyKind
    prefix: str = Field(description="The part between the underscores, by which its holder knows it")
    state: str = Field(description="valid, expired or revoked")
    created_at: Instant
    created_by: str
    expires_at: Instant | None
    last_used_at: Instant | None


class GrantKeys(BaseModel):
    """Of GET /grants/{id}/keys."""

    items: list[GrantKey]


class GrantKeyWithSecret(BaseModel):
    """A key with what its holder sends or opens, which is shown here and never again."""

    grant_key: GrantKey
    key: str
    link: str | None = Field(description="Of a link: its address")


class GrantRead(BaseModel):
    """Somebody has read, or was refused."""

    id: int
    at: Instant
    ended_at: Instant | None
    key: str = Field(description="The name of the key or link")
    key_prefix: str
    version: int = Field(description="Of the share")
    address: str = Field(description="Where the request came from")
    client: str = Field(description="What the caller says it is")
    what: str = Field(description="describe, series, data, classes, alarms or page")
    question: dict[str, Any]
    rows: int
    outcome: str = Field(description="done, running, cut, or why it was refused")


class GrantReads(BaseModel):
    """Of GET /grants/{id}/reads, the newest first."""

    items: list[GrantRead]
    next: str | None
