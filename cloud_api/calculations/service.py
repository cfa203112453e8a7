"""The verbs on calculations: make, change, delete, backfill, preview; versioned, audited, checked for loops."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cloud_api.calculations.definitions import Calculation, CalculationUnfit, formulas_of, names_of
from cloud_api.calculations.formula import Formula, evaluate, key_of, make_formula
from cloud_api.calculations.inputs import read_inputs
from cloud_api.calculations.models import Backfill, CalculationChange, Mode, NewCalculation, Preview
from cloud_api.calculations.models import Formula as Asked
from cloud_api.expressions.expression import Expression
from cloud_api.expressions.language import parse
from cloud_api.expressions.refusal import ExpressionInvalid, refusal
from cloud_api.expressions.tree import SeriesKey
from cloud_api.instants import format_at, parse_instant
from cloud_api.problems import FieldProblem, Kinds, Problem, body_invalid, in_body, not_found
from cloud_api.storage import calculations as storage
from cloud_api.storage.assets import insert_grown_assets, lock_paths_shared
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.calculation_samples import insert_calculation_stretch, select_next_input_at
from cloud_api.storage.calculations import CalculationRow, Source
from cloud_api.storage.catalog import select_series_at, select_series_by_ids, update_series_generation
from cloud_api.storage.columns import SampleColumns, concatenate
from cloud_api.storage.failures import DOUBLED
from cloud_api.storage.history import NO_SAMPLES
from cloud_api.storage.instants import LAST_US, at_us, us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_progress import select_rollup_progress
from schemas.sample import path_problem

PATH_ALLOWED = "at most 12 levels joined by '/', each of 1 to 100 printable characters without / * ? # +, in NFC"
MOST_CALCULATIONS = 2_000
LONGEST_BACKFILL = timedelta(days=400)
LONGEST_PREVIEW_US = 31 * 86_400_000_000
TEXT_KINDS = frozenset({"str", "json"})


@dataclass(frozen=True, slots=True)
class Read:
    """A definition that has been read: its expression, the series of its names, and what it comes down to."""

    expression: Expression
    names: Mapping[str, int]
    formula: Formula
    sources: Mapping[int, Source]

    @property
    def kind(self) -> str:
        """The kind of its values."""
        return "bool" if self.expression.is_boolean else "f64"

    @property
    def unit(self) -> str | None:
        """The unit that follows from the expression."""
        units = {name: self.sources[self.names[key_of(name)]].unit for name in self.expression.names}
        return self.expression.unit(units)


@dataclass(frozen=True, slots=True)
class Found:
    """A calculation with the sources that its names and its formula stand for."""

    row: CalculationRow
    sources: Mapping[int, Source]
    waits_for: Source | None
    pending: tuple[int, datetime | None, datetime | None]


async def create(connection: Connection, new: NewCalculation, who: str) -> int:
    """Make a calculated series inside the caller's transaction; the calculation's id."""
    problem = path_problem(new.path)
    if problem:
        raise body_invalid("path", new.path, problem, PATH_ALLOWED)
    await storage.lock_calculations(connection)
    known = await storage.select_calculations(connection)
    if len(known) >= MOST_CALCULATIONS:
        detail = f"there are {len(known)} calculations already"
        raise Problem(Kinds.CONFLICT, f"{detail}; at most {MOST_CALCULATIONS} are kept")
    read = await read_formula(connection, new, known)
    backfill_us = await _backfill_us(connection, new)
    await lock_paths_shared(connection)
    try:
        calculation_id = await storage.insert_calculation(connection, new.path, _stored(new, read), who)
    except DOUBLED as error:
        raise Problem(Kinds.CONFLICT, f"another series has the path {new.path!r}") from error
    await insert_grown_assets(connection, [new.path])
    await storage.replace_calculation_inputs(connection, {calculation_id: read.formula.series_ids})
    if backfill_us is not None:
        await insert_calculation_stretch(connection, calculation_id, backfill_us, LAST_US, datetime.now(UTC))
    await update_series_generation(connection)
    await insert_audit(connection, who, "calculation.create", new.path, {"id": calculation_id} | new.model_dump())
    return calculation_id


async def change(connection: Connection, calculation_id: int, version: int, new: CalculationChange, who: str) -> None:
    """Let a calculation have another definition from now on; what is stored stays until a backfill."""
    await storage.lock_calculations(connection)
    row = await find_row(connection, calculation_id)
    _check_version(row, version)
    known = await storage.select_calculations(connection)
    read = await read_formula(connection, new, known, row)
    backfill_us = await _backfill_us(connection, new)
    await storage.update_calculation(connection, row, _stored(new, read), who)
    if new.mode is Mode.ON_THE_FLY:
        await storage.delete_calculation_progress(connection, row.id)
    await _refresh_inputs(connection)
    if backfill_us is not None:
        await insert_calculation_stretch(connection, row.id, backfill_us, LAST_US, datetime.now(UTC))
    await update_series_generation(connection)
    before = {"mode": row.mode, **msgspec.json.decode(row.body)}
    detail = {"id": row.id, "version": version + 1, "from": before, "to": new.model_dump()}
    await insert_audit(connection, who, "calculation.change", row.path, detail)


async def delete(connection: Connection, calculation_id: int, version: int, who: str) -> None:
    """End a calculation and retire its series; what it has been stays readable."""
    await storage.lock_calculations(connection)
    row = await find_row(connection, calculation_id)
    _check_version(row, version)
    users = [each.path for each in await storage.select_calculations(connection) if row.series_id in _inputs(each)]
    if users:
        shown = ", ".join(sorted(users)[:5])
        raise Problem(Kinds.CONFLICT, f"{row.path} is used by {shown}; change or delete what uses it first")
    await storage.update_calculation_deleted(connection, row, who)
    await storage.delete_calculation_progress(connection, row.id)
    await storage.update_calculated_series_retired(connection, row.series_id)
    await update_series_generation(connection)
    await insert_audit(connection, who, "calculation.delete", row.path, {"id": row.id})


async def backfill(connection: Connection, calculation_id: int, wanted: Backfill, who: str) -> None:
    """Let a stretch of the past be calculated again by the definition as it is."""
    row = await find_row(connection, calculation_id)
    if row.mode != Mode.MATERIALISED:
        raise Problem(Kinds.CONFLICT, f"{row.path} is calculated on the fly: its past needs no backfill")
    with in_body():
        from_us = parse_instant(wanted.from_, "from")
        to_us = LAST_US if wanted.to is None else parse_instant(wanted.to, "to")
    if from_us >= to_us:
        raise body_invalid("to", wanted.to, "is not after `from`", "an instant after `from`")
    await _check_backfill(connection, "from", wanted.from_, from_us)
    await insert_calculation_stretch(connection, row.id, from_us, to_us, datetime.now(UTC))
    await insert_audit(connection, who, "calculation.backfill", row.path, {"id": row.id} | wanted.model_dump())


async def preview(connection: Connection, wanted: Preview) -> tuple[Read, Calculation, SampleColumns, bool]:
    """Evaluate an expression over a window and store nothing; the last tells whether that is all of the window."""
    with in_body():
        from_us, to_us = parse_instant(wanted.from_, "from"), parse_instant(wanted.to, "to")
    if from_us >= to_us:
        raise body_invalid("to", wanted.to, "is not after `from`", "an instant after `from`")
    if to_us - from_us > LONGEST_PREVIEW_US:
        raise body_invalid("to", wanted.to, "ends a window that is too long to try", "a window of at most 31 days")
    read = await read_formula(connection, wanted, await storage.select_calculations(connection))
    calculation = Calculation(_no_row(), read.formula, await _sources(connection, read.formula.series_ids))
    end_us = min(to_us, calculation.until_us(time.time_ns() // 1000, 0) + 1)
    parts, rows = list[SampleColumns](), 0
    piece_us = max(60_000_000, 3_600_000_000 // len(read.formula.series_ids))
    while from_us < end_us and rows <= wanted.limit:
        cut_us = min(end_us, from_us + piece_us)
        inputs = await read_inputs(connection, calculation, from_us, cut_us)
        made = await asyncio.to_thread(evaluate, read.formula, inputs, from_us, cut_us, calculation.retired_us)
        parts, rows, from_us = [*parts, made], rows + len(made), cut_us
        if not len(made):
            found = await select_next_input_at(connection, read.formula.series_ids, cut_us)
            from_us = end_us if found is None else found
    columns = concatenate([NO_SAMPLES, *parts])
    return read, calculation, columns.first(wanted.limit), len(columns) <= wanted.limit


async def find_row(connection: Connection, calculation_id: int) -> CalculationRow:
    """One that is in force; a Problem when there is none."""
    row = await storage.select_calculation(connection, calculation_id)
    if row is None or row.deleted_at is not None:
        raise not_found("calculation", "calculation_id", calculation_id)
    return row


async def describe(connection: Connection, rows: Iterable[CalculationRow]) -> list[Found]:
    """Calculations with what they stand on and how far they are."""
    rows = list(rows)
    needed = await storage.select_calculations_needed(connection, [row.series_id for row in rows])
    formulas = formulas_of(needed)
    ids = {each for row in rows for each in names_of(row).values()}
    for row in rows:
        formula = formulas[row.series_id]
        ids |= set() if isinstance(formula, CalculationUnfit) else set(formula.series_ids)
    sources = await _sources(connection, sorted(ids))
    found: list[Found] = []
    for row in rows:
        formula = formulas[row.series_id]
        waits = None if isinstance(formula, CalculationUnfit) else Calculation(row, formula, sources).waits_for
        pending = await storage.select_calculation_dirty_count(connection, row.id)
        found.append(Found(row, sources, waits, pending))
    return found


async def read_formula(
    connection: Connection, asked: Asked, known: Iterable[CalculationRow], own: CalculationRow | None = None
) -> Read:
    """Read an expression, find its series, and refuse what cannot be calculated, with the place in the text."""
    try:
        expression = parse(asked.expression, dict(asked.variables))
    except ExpressionInvalid as error:
        raise refusal(error, "expression") from error
    names = {key_of(name): await _series(connection, asked, name) for name in expression.names}
    sources = await _sources(connection, sorted(set(names.values())))
    for name in expression.names:
        source = sources[names[key_of(name)]]
        if source.kind in TEXT_KINDS:
            raise body_invalid("expression", source.path, "is a series of texts", "series of numbers and of yes and no")
    rows = [row for row in known if own is None or row.id != own.id]
    _check_loops(rows, own, names)
    formulas = formulas_of(rows)
    inner = {
        series_id: formula
        for series_id in names.values()
        if sources[series_id].calculation == Mode.ON_THE_FLY and isinstance(formula := formulas.get(series_id), Formula)
    }
    try:
        return Read(expression, names, make_formula(expression, names, inner), sources)
    except ExpressionInvalid as error:
        raise refusal(error, "expression") from error


async def _series(connection: Connection, asked: Asked, name: SeriesKey) -> int:
    """The series that a name stands for, which must be in use."""
    field = next((f"variables.{key}" for key, series in asked.variables.items() if series == name), "expression")
    rows = (
        await select_series_by_ids(connection, [name])
        if isinstance(name, int)
        else await select_series_at(connection, [name])
    )
    if not rows:
        raise body_invalid(field, name, f"names {name!r}, and there is no such series", "the path or id of a series")
    if rows[0].retired_at is not None:
        raise body_invalid(field, name, f"names {name!r}, which is retired", "a series in use")
    return rows[0].id


def _check_loops(rows: Iterable[CalculationRow], own: CalculationRow | None, names: Mapping[str, int]) -> None:
    if own is None:
        return
    by_series = {row.series_id: row for row in rows}
    ways: list[tuple[int, list[str]]] = [(series_id, []) for series_id in names.values()]
    seen: set[int] = set()
    while ways:
        series_id, way = ways.pop()
        if series_id == own.series_id:
            shown = " > ".join([own.path, *way, own.path])
            raise body_invalid("expression", shown, f"makes a loop: {shown}", "series that do not depend on this one")
        row = by_series.get(series_id)
        if row is not None and series_id not in seen:
            seen.add(series_id)
            ways += [(each, [*way, row.path]) for each in _inputs(row)]


def _inputs(row: CalculationRow) -> set[int]:
    return set(names_of(row).values())


async def _refresh_inputs(connection: Connection) -> None:
    """What calculations come down to may have changed with one of them."""
    rows = await storage.select_calculations(connection)
    formulas = formulas_of(rows)
    inputs = {row.id: formula.series_ids for row in rows if isinstance(formula := formulas[row.series_id], Formula)}
    await storage.replace_calculation_inputs(connection, inputs)


async def _backfill_us(connection: Connection, new: CalculationChange) -> int | None:
    if new.backfill_from is None:
        return None
    if new.mode is not Mode.MATERIALISED:
        detail = "does not go with `on_the_fly`, which needs no backfill"
        raise body_invalid("backfill_from", new.backfill_from, detail, "null, or `mode`: `materialised`")
    with in_body():
        from_us = parse_instant(new.backfill_from, "backfill_from")
    await _check_backfill(connection, "backfill_from", new.backfill_from, from_us)
    return from_us


async def _check_backfill(connection: Connection, field: str, text: str, from_us: int) -> None:
    kept_at = (await select_rollup_progress(connection)).raw_kept_at
    if kept_at is not None and from_us < us_of(kept_at):
        detail = "lies before the raw samples that are kept"
        raise body_invalid(field, text, detail, f"an instant from {format_at(kept_at)} on")
    earliest = datetime.now(UTC) - LONGEST_BACKFILL
    if from_us < us_of(earliest):
        detail = f"is more than {LONGEST_BACKFILL.days} days ago"
        raise body_invalid(field, text, detail, f"an instant from {format_at(earliest)} on")


async def _sources(connection: Connection, series_ids: Iterable[int]) -> dict[int, Source]:
    return await storage.select_calculation_sources(connection, list(series_ids))


def _stored(new: CalculationChange, read: Read) -> storage.NewCalculation:
    body: dict[str, Any] = {
        "expression": new.expression,
        "variables": dict(new.variables),
        "unit": new.unit,
        "description": new.description,
    }
    return storage.NewCalculation(
        mode=new.mode.value,
        kind=read.kind,
        unit=new.unit if new.unit is not None else read.unit,
        description=new.description,
        body=msgspec.json.encode(body).decode(),
        names=msgspec.json.encode(dict(read.names)).decode(),
    )


def _check_version(row: CalculationRow, version: int) -> None:
    if row.version != version:
        detail = f"the calculation is at version {row.version}, changed by {row.updated_by}; read it again"
        raise Problem(Kinds.CONFLICT, detail, fields=[FieldProblem(field="version", value=version, detail=detail)])


def _no_row() -> CalculationRow:
    never = at_us(0)
    return CalculationRow(
        0,
        0,
        0,
        Mode.ON_THE_FLY,
        "{}",
        "{}",
        never,
        never,
        "",
        None,
        "",
        "f64",
        None,
        None,
        None,
        None,
        None,
        None,
        None,
    )
