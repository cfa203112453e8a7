"""What engineers change of a series: its shown path, unit, description, and whether it is in use; audited."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.problems import Kinds, Problem, body_invalid, not_found
from cloud_api.query.models import Aggregation
from cloud_api.storage.assets import insert_grown_assets, lock_paths_shared
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.catalog import SeriesRow, select_series, update_series
from cloud_api.storage.failures import DOUBLED
from cloud_api.storage.pool import Connection
from schemas.sample import path_problem

PATH_ALLOWED = "at most 12 levels joined by '/', each of 1 to 100 printable characters without / * ? # +, in NFC"


class SeriesChange(BaseModel):
    """What to change; what is not named stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = Field(default=None, description="The new shown path; the source keeps its own")
    unit: str | None = Field(default=None, max_length=64)
    description: str | None = Field(default=None, max_length=1_000)
    aggregation: Aggregation | None = Field(default=None, description="Replaces what was said before; null: nothing")


async def change_series(connection: Connection, series_id: int, change: SeriesChange, principal: str) -> SeriesRow:
    """Change one series inside the caller's transaction."""
    row = await _find(connection, series_id)
    named: dict[str, Any] = change.model_dump(exclude_unset=True)
    if not named:
        raise body_invalid("path", None, "and every other field is missing", "path, unit, description or aggregation")
    if "path" in named:
        _check_path(change.path)
    if "aggregation" in named:
        named |= _aggregation(change)
    changed = replace(row, **{name: value for name, value in named.items() if name != "aggregation"})
    await lock_paths_shared(connection)
    try:
        await update_series(connection, changed)
    except DOUBLED as error:
        raise Problem(Kinds.CONFLICT, f"another series has the path {change.path!r}") from error
    if changed.path != row.path:
        await insert_grown_assets(connection, [changed.path])
    named.pop("aggregation", None)
    before = {name: getattr(row, name) for name in named}
    await insert_audit(connection, principal, "series.change", str(series_id), {"from": before, "to": named})
    return await _find(connection, series_id)


async def retire_series(connection: Connection, series_id: int, principal: str) -> SeriesRow:
    """Retire one series inside the caller's transaction; retiring it again changes nothing."""
    row = await _find(connection, series_id)
    if row.retired_at is not None:
        return row
    changed = replace(row, retired_at=datetime.now(UTC))
    await update_series(connection, changed)
    await insert_audit(connection, principal, "series.retire", str(series_id), {"path": row.path})
    return changed


async def _find(connection: Connection, series_id: int) -> SeriesRow:
    row = await select_series(connection, series_id)
    if row is None:
        raise not_found("series", "series_id", series_id)
    return row


def _aggregation(change: SeriesChange) -> dict[str, Any]:
    """The columns of an aggregate configuration; refused where Part 13, 4.2.1.2, calls it inconsistent."""
    named = (change.aggregation or Aggregation()).model_dump()
    good, bad = named["percent_data_good"], named["percent_data_bad"]
    least = 100 - (100 if bad is None else bad)
    if (100 if good is None else good) < least:
        detail = f"is below 100 - percent_data_bad, which is {least} (BadAggregateInvalidInputs)"
        raise body_invalid("aggregation.percent_data_good", good, detail, "percent_data_good >= 100 - percent_data_bad")
    return named


def _check_path(path: str | None) -> None:
    problem = "is null" if path is None else path_problem(path)
    if problem:
        raise body_invalid("path", path, problem, PATH_ALLOWED)
