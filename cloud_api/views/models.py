"""What requests and answers about views look like."""

from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field, field_validator

from cloud_api.instants import Instant

NAME = "^[a-z0-9][a-z0-9._-]{0,63}$"
MOST_BYTES = 64 * 1024


class ViewContent(BaseModel):
    """Of PUT /me/views/{name}."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    content: dict[str, Any] = Field(description="Any JSON object, at most 64 KiB")

    @field_validator("content")
    @classmethod
    def _is_small(cls, content: dict[str, Any]) -> dict[str, Any]:
        if len(msgspec.json.encode(content)) > MOST_BYTES:
            raise ValueError(f"has more than {MOST_BYTES} bytes as JSON")
        return content


class View(BaseModel):
    """One view."""

    name: str
    content: dict[str, Any]
    changed_at: Instant


class ViewPage(BaseModel):
    """All views that were asked for."""

    items: list[View]
