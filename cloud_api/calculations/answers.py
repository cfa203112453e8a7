"""Calculations as the API shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from cloud_api.calculations.definitions import Calculation as Evaluated
from cloud_api.calculations.definitions import names_of, read_body
from cloud_api.calculations.models import (
    Calculation,
    CalculationPage,
    Input,
    Mode,
    PreviewAnswer,
    PreviewRow,
    State,
    VersionAnswer,
    VersionList,
)
from cloud_api.calculations.service import Found, Read
from cloud_api.instants import format_at, format_column, format_us
from cloud_api.storage.calculations import Source, VersionRow
from cloud_api.storage.columns import SampleColumns
from schemas.status import BAD


def calculation_answer(found: Found) -> Calculation:
    """Write one calculation."""
    row = found.row
    expression, variables = read_body(row)
    return Calculation(
        id=row.id,
        series_id=row.series_id,
        path=row.path,
        version=row.version,
        mode=Mode(row.mode),
        expression=expression,
        variables=dict(variables),
        unit=row.unit,
        description=row.description,
        kind=row.kind,
        inputs=_inputs(names_of(row), found.sources),
        state=_state(found) if row.mode == Mode.MATERIALISED else None,
        created_at=format_at(row.created_at),
        updated_at=format_at(row.updated_at),
        updated_by=row.updated_by,
    )


def page_answer(found: Sequence[Found], cursor: str | None) -> CalculationPage:
    """Write a page."""
    return CalculationPage(items=[calculation_answer(each) for each in found], next=cursor)


def version_list(rows: Sequence[VersionRow]) -> VersionList:
    """Write every version."""
    return VersionList(items=[_version(row) for row in rows])


def preview_answer(
    read: Read, calculation: Evaluated, columns: SampleColumns, about: tuple[bool, int]
) -> PreviewAnswer:
    """Write what an expression gives; `about` says whether that is all, and up to where inputs are measured."""
    is_whole, until_us = about
    is_yes_or_no = read.kind == "bool"
    rows = zip(format_column(columns.times_us), columns.values.tolist(), columns.statuses.tolist(), strict=True)
    items = [
        PreviewRow(time=time, value=None if status >= BAD else bool(value) if is_yes_or_no else value, status=status)
        for time, value, status in rows
    ]
    sources = {**calculation.sources, **read.sources}
    return PreviewAnswer(
        unit=read.unit,
        kind=read.kind,
        inputs=_inputs(read.names, sources),
        items=items,
        is_whole=is_whole,
        until=format_us(until_us),
    )


def _inputs(names: Mapping[str, int], sources: Mapping[int, Source]) -> list[Input]:
    return [
        Input(
            name=key,
            series_id=series_id,
            path=sources[series_id].path,
            unit=sources[series_id].unit,
            calculation=None if (how := sources[series_id].calculation) is None else Mode(how),
        )
        for key, series_id in names.items()
        if series_id in sources
    ]


def _version(row: VersionRow) -> VersionAnswer:
    body = msgspec.json.decode(row.body)
    return VersionAnswer(
        version=row.version,
        change=row.change,
        mode=Mode(row.mode),
        expression=body["expression"],
        variables=body.get("variables") or {},
        unit=body.get("unit"),
        description=body.get("description"),
        changed_at=format_at(row.changed_at),
        changed_by=row.changed_by,
    )


def _state(found: Found) -> State:
    count, first, last = found.pending
    waits = found.waits_for
    return State(
        evaluated_until=_instant(found.row.evaluated_at),
        waits_for=None if waits is None else f"{waits.source_agent}/{waits.device}",
        measured_until=None if waits is None else _instant(waits.until_at),
        pending=count,
        pending_from=_instant(first),
        pending_to=None
        if last is None or found.row.evaluated_at is None
        else _instant(min(last, found.row.evaluated_at)),
        problem=found.row.problem,
    )


def _instant(at: datetime | None) -> str | None:
    return None if at is None else format_at(at)
