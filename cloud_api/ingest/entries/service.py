"""The verbs on entries: make a series for them, change what it may hold, enter a value once."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace

import msgspec

from cloud_api import origin
from cloud_api.auth.principal import Principal
from cloud_api.auth.roles import Role, is_enough
from cloud_api.ingest.answers import refusal
from cloud_api.ingest.entries.models import EnteredKind, EntryTerms, IfExists, NewEntry, NewEntrySeries
from cloud_api.ingest.entries.values import check_terms, entered_value
from cloud_api.ingest.incoming import OLDEST_US, ByHand
from cloud_api.ingest.results import BatchResult, IngestOverloaded, RejectReason
from cloud_api.ingest.router import Doors
from cloud_api.instants import format_at, format_us, parse_instant, to_datetime
from cloud_api.problems import FieldProblem, Kinds, Problem, body_invalid, in_body, not_found
from cloud_api.storage import entries as storage
from cloud_api.storage.assets import insert_grown_assets, lock_paths_shared
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.catalog import update_series_generation
from cloud_api.storage.entries import EntryRow, EntrySeriesRow
from cloud_api.storage.failures import DOUBLED
from cloud_api.storage.pool import Connection, Pool
from cloud_api.telemetry import BatchOutcome
from schemas.sample import Sample, path_problem
from schemas.status import GOOD_LOCAL_OVERRIDE

PATH_ALLOWED = "at most 12 levels joined by '/', each of 1 to 100 printable characters without / * ? # +, in NFC"


async def create_series(connection: Connection, new: NewEntrySeries, who: str) -> EntrySeriesRow:
    """Make a series for entries inside the caller's transaction."""
    if problem := path_problem(new.path):
        raise body_invalid("path", new.path, problem, PATH_ALLOWED)
    choices = check_terms(new.kind, new)
    row = storage.NewEntrySeries(new.path, new.kind.value, new.unit, new.description, new.low, new.high, choices)
    await lock_paths_shared(connection)
    try:
        series_id = await storage.insert_entry_series(connection, row, who)
    except DOUBLED as error:
        raise Problem(Kinds.CONFLICT, f"another series has the path {new.path!r}") from error
    await insert_grown_assets(connection, [new.path])
    await update_series_generation(connection)
    await insert_audit(connection, who, "entry_series.create", new.path, {"id": series_id} | new.model_dump())
    return await find_entry_series(connection, series_id)


async def change_terms(connection: Connection, series_id: int, change: EntryTerms, who: str) -> EntrySeriesRow:
    """Change what may be entered from now on, inside the caller's transaction; what is not named stays."""
    row = await find_entry_series(connection, series_id)
    named = change.model_dump(exclude_unset=True)
    if not named:
        raise body_invalid("low", None, "and every other field is missing", "low, high or choices")
    before = {"low": row.low, "high": row.high, "choices": choices_of(row)}
    terms = EntryTerms.model_validate(before | named)
    choices = check_terms(EnteredKind(row.kind), terms)
    await storage.update_entry_series(connection, series_id, (terms.low, terms.high), choices)
    detail = {"from": {name: before[name] for name in named}, "to": named}
    await insert_audit(connection, who, "entry_series.change", str(series_id), detail)
    return await find_entry_series(connection, series_id)


async def find_entry_series(connection: Connection, series_id: int) -> EntrySeriesRow:
    """The series, or a Problem that says why it takes no entries."""
    row = await storage.select_entry_series(connection, series_id)
    if row is None:
        raise not_found("series", "series_id", series_id)
    if not row.is_entered:
        detail = "this series has a source that measures it, and takes no entries"
        allowed = "a series made by POST /api/v1/entry-series; for measured samples a correction"
        raise Problem(
            Kinds.CONFLICT,
            detail,
            fields=[FieldProblem(field="series_id", value=series_id, detail=detail, allowed=allowed)],
        )
    return row


def choices_of(row: EntrySeriesRow) -> list[object] | None:
    """The choices of a series as values."""
    return None if row.choices is None else msgspec.json.decode(row.choices)


async def enter(
    pool: Pool, find_doors: Callable[[], Doors], series_id: int, body: NewEntry, asked: tuple[Principal, str | None]
) -> EntryRow:
    """Enter a value, or find that it was entered; `asked` is who, and the idempotency key. Returns after COMMIT."""
    caller, key = asked
    async with pool.connection() as connection:
        row = await find_entry_series(connection, series_id)
    if row.retired_at is not None:
        raise Problem(
            Kinds.CONFLICT, f"the series was retired at {format_at(row.retired_at)}; it takes no more entries"
        )
    now_us = time.time_ns() // 1000
    kind, value = entered_value(row, body.value)
    time_us = _time_us(body, now_us)
    new = storage.NewEntry(
        series_id=series_id,
        time=to_datetime(time_us),
        value=msgspec.json.encode(value).decode(),
        comment=body.comment,
        who=caller.name,
        entered_at=to_datetime(now_us),
        caller=caller.scope_of_keys,
        key=key,
        fingerprint=None if key is None else _fingerprint(series_id, body),
    )
    sample = Sample(row.source_path, kind, value, GOOD_LOCAL_OVERRIDE, time_us)
    same, other = await _standing(pool, new)
    if same is not None:
        return same
    if other is not None:
        new = replace(new, replaces=_replaced(other, caller, body).id)
    return await _store(pool, find_doors(), new, sample)


async def _store(pool: Pool, doors: Doors, new: storage.NewEntry, sample: Sample) -> EntryRow:
    whence = origin.present()
    try:
        result = await doors.store_entry(sample, ByHand(new, (new.who, whence.address, whence.via)))
    except IngestOverloaded:
        # Its answer was lost, or the same was asked twice at once.
        same, other = await _standing(pool, new)
        if same is not None:
            return same
        if other is not None and other.id != new.replaces:
            raise _taken(other) from None
        raise
    _check_stored(result, new)
    same, _ = await _standing(pool, new)
    if same is None:
        raise Problem(Kinds.CONFLICT, "another entry replaced this one at once")
    return same


async def _standing(pool: Pool, new: storage.NewEntry) -> tuple[EntryRow | None, EntryRow | None]:
    """The entry that says the same already, or the other one that stands at this instant."""
    async with pool.connection() as connection:
        if new.key is not None:
            kept = await storage.select_entry_by_key(connection, new.caller, new.key)
            if kept is not None:
                return _of_key(kept, new), None
        row = await storage.select_entry_at(connection, new.series_id, new.time)
    if row is None:
        return None, None
    is_same = (row.value, row.comment) == (new.value, new.comment)
    return (row, None) if is_same else (None, row)


def _of_key(kept: EntryRow, new: storage.NewEntry) -> EntryRow:
    if kept.fingerprint == new.fingerprint:
        return kept
    detail = "this key came with another entry before; a new entry needs a new key"
    field = FieldProblem(field="Idempotency-Key", value=new.key, detail=detail, allowed="a key not used before")
    raise Problem(Kinds.IDEMPOTENCY_KEY_REUSED, detail, fields=[field])


def _replaced(other: EntryRow, caller: Principal, body: NewEntry) -> EntryRow:
    if body.if_exists is IfExists.REFUSE:
        raise _taken(other)
    if other.who != caller.name and not is_enough(caller.role, Role.ENGINEER):
        detail = f"the entry at this instant is of {other.who!r}; to replace others' entries needs the role engineer"
        raise Problem(Kinds.ROLE_INSUFFICIENT, detail)
    return other


def _taken(other: EntryRow) -> Problem:
    detail = f"{other.who} entered {other.value} for this instant at {format_at(other.entered_at)}"
    field = FieldProblem(
        field="time", value=format_at(other.time), detail=detail, allowed='another instant, or "if_exists": "replace"'
    )
    return Problem(Kinds.CONFLICT, detail, fields=[field])


def _time_us(body: NewEntry, now_us: int) -> int:
    if body.time is None:
        return now_us
    with in_body():
        time_us = parse_instant(body.time, "time")
    if time_us > now_us:
        raise body_invalid("time", body.time, "is in the future", f"up to now, {format_us(now_us)}")
    if time_us < OLDEST_US:
        raise body_invalid("time", body.time, "is too long ago", f"from {format_us(OLDEST_US)} on")
    return time_us


def _check_stored(result: BatchResult, new: storage.NewEntry) -> None:
    """Raise what ingest has refused: nothing of it is kept then."""
    if result.outcome is not BatchOutcome.STORED:
        raise refusal(result) or Problem(Kinds.CONFLICT, "not taken now, send it again later")
    for rejected in result.rejected:
        at = format_at(new.time)
        if rejected.reason == RejectReason.OLDER_THAN_RETENTION:
            raise body_invalid("time", at, "is older than the raw samples that are kept", "a later instant")
        raise body_invalid("value", msgspec.json.decode(new.value), f"was refused: {rejected.reason}", "see `detail`")


def _fingerprint(series_id: int, body: NewEntry) -> bytes:
    content = msgspec.json.encode([series_id, body.model_dump(mode="json")])
    return hashlib.blake2b(content, digest_size=32).digest()
