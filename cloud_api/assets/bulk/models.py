"""Bulk edit as the API gives it."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class BulkMode(StrEnum):
    """Whether a sheet is only tried, or done."""

    DRY_RUN = "dry_run"
    APPLY = "apply"


class BulkParameters(BaseModel):
    """Of POST /assets/bulk."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: BulkMode = Field(default=BulkMode.DRY_RUN, description="dry_run does everything and takes it back")


class BulkProblem(BaseModel):
    """What is wrong with one cell or line."""

    line: int
    column: str | None
    value: str | None
    detail: str
    allowed: str | None


class BulkMove(BaseModel):
    """One asset that moves with everything below it."""

    from_path: str
    to_path: str


class BulkAnswer(BaseModel):
    """What a sheet does, or would do."""

    mode: str
    created: list[str]
    changed: list[str]
    moved: list[BulkMove]
    unchanged: int
    problems: list[BulkProblem] = Field(description="Every one; with `apply` any problem refuses the whole sheet")
