"""Asset templates as the API takes and gives them."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.sample import Kind, path_problem

NAME = Field(min_length=1, max_length=200, examples=["Hydraulic press"])
DESCRIPTION = Field(default=None, max_length=2_000)


class Presence(StrEnum):
    """Whether an asset must have a tag."""

    REQUIRED = "required"
    OPTIONAL = "optional"


class TemplateTag(BaseModel):
    """One expected tag; what is null is not compared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tag: str = Field(description="The path from the asset down", examples=["motor/current"])
    presence: Presence = Presence.REQUIRED
    kind: Kind | None = Field(default=None, examples=["f64"])
    unit: str | None = Field(default=None, max_length=64, examples=["A"])
    low: float | None = Field(default=None, allow_inf_nan=False)
    high: float | None = Field(default=None, allow_inf_nan=False)
    scan_period_s: float | None = Field(default=None, gt=0, le=86_400, description="The period of its scan class")
    description: str | None = Field(default=None, max_length=1_000)

    @field_validator("tag")
    @classmethod
    def _is_path(cls, tag: str) -> str:
        problem = path_problem(tag)
        if problem:
            raise ValueError(problem)
        return tag


class NewTemplate(BaseModel):
    """A template to make."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = NAME
    description: str | None = DESCRIPTION
    tags: list[TemplateTag] = Field(min_length=1, max_length=2_000)

    @model_validator(mode="after")
    def _tags_are_named_once(self) -> "NewTemplate":
        _check_once(self.tags)
        return self


class TemplateChange(BaseModel):
    """What to change of a template; `tags` replaces them all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(default=None, min_length=1, max_length=200)
    description: str | None = DESCRIPTION
    tags: list[TemplateTag] | None = Field(default=None, min_length=1, max_length=2_000)

    @model_validator(mode="after")
    def _tags_are_named_once(self) -> "TemplateChange":
        _check_once(self.tags or [])
        return self


class Template(BaseModel):
    """The tags that an asset should have."""

    id: int
    name: str
    description: str | None
    tags: list[TemplateTag]
    assets: int = Field(description="Assets bound to it")
    created_at: datetime
    updated_at: datetime


class TemplatePage(BaseModel):
    """Templates in the order in which they were made."""

    items: list[Template]
    next: str | None


class Difference(BaseModel):
    """A tag that is there, but not as expected."""

    tag: str
    field: str = Field(examples=["unit"])
    expected: str | float | None
    found: str | float | None


class AssetReport(BaseModel):
    """One asset beside its template."""

    asset_id: int
    path: str
    verdict: str = Field(examples=["conforms", "deviates"])
    missing: list[str] = Field(description="Required tags that are not there")
    extra: list[str] = Field(description="Tags that the template does not name")
    differing: list[Difference]


class TemplateReport(BaseModel):
    """Assets beside their template, in byte order of their paths."""

    template_id: int
    template: str
    items: list[AssetReport]
    next: str | None


def _check_once(tags: list[TemplateTag]) -> None:
    names = [tag.tag for tag in tags]
    doubled = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if doubled:
        raise ValueError(f"names {', '.join(doubled[:5])} more than once")
