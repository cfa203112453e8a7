"""What requests and answers about API keys look like."""

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.auth.reach import ALLOWED
from cloud_api.auth.roles import Role, Scope
from cloud_api.instants import Instant


class NewApiKey(BaseModel):
    """Of POST /api-keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=100)
    role: Role | None = None
    scopes: list[Scope] = Field(default_factory=list[Scope])
    reach: list[str] = Field(default=["**"], description=f"Globs of the paths that exist for it: {ALLOWED}")
    days: int | None = Field(
        default=None, ge=1, le=36_500, description="After how many days it expires; null for never"
    )


class Rotation(BaseModel):
    """Of POST /api-keys/{id}/rotate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overlap_hours: int = Field(default=24, ge=0, le=24 * 90, description="How long the old key still works")


class ApiKey(BaseModel):
    """A key as administrators see one: never the key itself."""

    id: int
    name: str
    prefix: str = Field(description="The part between the underscores, by which its owner knows it")
    role: Role | None
    scopes: list[str]
    state: str = Field(description="valid, expired or revoked")
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Instant | None
    reach: list[str]


class ApiKeyPage(BaseModel):
    """Of GET /api-keys."""

    items: list[ApiKey]


class ApiKeyWithSecret(BaseModel):
    """A key with what its owner sends, which is shown here and never again."""

    api_key: ApiKey
    key: str
