"""Assets as the API takes and gives them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cloud_api.scopes import ASSET
from cloud_api.sheets import SheetForm

MAX_ATTRIBUTES_BYTES = 65_536


class AssetKind(StrEnum):
    """Levels and kinds of equipment; names of ISA-95 Part 1, figure of the role-based equipment hierarchy."""

    ENTERPRISE = "enterprise"
    SITE = "site"
    AREA = "area"
    LINE = "line"
    PROCESS_CELL = "process_cell"
    PRODUCTION_UNIT = "production_unit"
    STORAGE_ZONE = "storage_zone"
    WORK_CELL = "work_cell"
    UNIT = "unit"
    STORAGE_UNIT = "storage_unit"
    ASSET = "asset"


class AssetName(BaseModel):
    """What people call it, in two languages; the last level of its path is its name for machines."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: str | None = Field(default=None, max_length=200, examples=["Press 3"])
    zh: str | None = Field(default=None, max_length=200, examples=["3号压机"])


class Document(BaseModel):
    """A document by its link."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=200, examples=["Manual"])
    url: str = Field(
        min_length=1, max_length=2_000, pattern=r"^https?://\S+$", examples=["https://docs.example/press-3"]
    )


class _Described(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: AssetKind | None = None
    name: AssetName | None = None
    description: str | None = Field(default=None, max_length=2_000)
    location: str | None = Field(default=None, max_length=500, examples=["Hall 2, column B7"])
    attributes: dict[str, Any] | None = Field(
        default=None, description="Anything as JSON; replaces what was there", examples=[{"maker": "ACME"}]
    )
    documents: list[Document] | None = Field(default=None, max_length=100, description="Replaces what was there")
    template_id: int | None = Field(default=None, ge=1, description="The template of tags that it should have")

    @field_validator("name", "description", "location", "attributes", "documents")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        # PostgreSQL's text and jsonb hold every character but NUL.
        if "\\x00" in repr(value):
            raise ValueError("contains the character NUL")
        if isinstance(value, dict) and len(repr(value)) > MAX_ATTRIBUTES_BYTES:
            raise ValueError(f"is longer than {MAX_ATTRIBUTES_BYTES} characters")
        return value


class NewAsset(_Described):
    """An asset to make; levels above it that are missing are made too."""

    path: str = Field(examples=["hangzhou/press-shop/line-1/press-03"])


class AssetChange(_Described):
    """What to change; what is not named stays. Another `path` moves or renames it with all below."""

    path: str | None = Field(default=None, description="The new path; series below keep their ids and their history")


class Asset(BaseModel):
    """Equipment in the tree."""

    id: int
    path: str
    parent: str | None
    depth: int = Field(description="1 at the root")
    kind: str
    name: AssetName
    description: str | None
    location: str | None
    attributes: dict[str, Any]
    documents: list[Document]
    template_id: int | None
    template: str | None = Field(description="The template's name")
    children: int = Field(description="Assets directly below")
    series: int = Field(description="Series in use directly below")
    created_at: datetime
    updated_at: datetime


class AssetPage(BaseModel):
    """Assets in byte order of their paths."""

    items: list[Asset]
    next: str | None


class DeletedAssets(BaseModel):
    """The paths that left the tree."""

    deleted: list[str]


class AssetSeries(BaseModel):
    """One tag of an asset."""

    id: int
    path: str
    tag: str = Field(description="The path from the asset down", examples=["motor/current"])
    kind: str
    unit: str | None
    description: str | None
    low: float | None
    high: float | None
    agent: str
    device: str | None
    scan_period_s: float | None
    retired_at: datetime | None


class AssetSeriesPage(BaseModel):
    """Tags of an asset and of what is below it, in byte order of their paths."""

    items: list[AssetSeries]
    next: str | None


class AssetParameters(BaseModel):
    """Of GET /assets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    depth: int | None = Field(default=None, ge=1, le=12, description="So many levels, from the root or below `asset`")
    asset: str | None = Field(default=None, description=ASSET)
    path: str | None = Field(default=None, max_length=1300, description="Path glob", examples=["*/press-shop/**"])
    kind: AssetKind | None = None
    template_id: int | None = Field(default=None, ge=1, le=2**63 - 1)
    q: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Words in path, names, description; letters also as pinyin",
    )
    csv: SheetForm = SheetForm.PLAIN
    limit: int = Field(default=1_000, ge=1, le=10_000, description="Of a page of JSON; CSV has up to 10,000 rows")
    cursor: str | None = Field(default=None, description="`next` of the page before")


class AssetSeriesParameters(BaseModel):
    """Of GET /assets/{id}/series."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    retired: str = Field(default="exclude", pattern="^(exclude|include)$")
    limit: int = Field(default=1_000, ge=1, le=10_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")
