"""HTTP of alarm definitions: list, read, make, change, delete, apply a set, export a file."""

import time
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from cloud_api.alarms.definitions import service
from cloud_api.alarms.definitions.answers import (
    ApplyRequest,
    CheckAnswer,
    CheckRequest,
    DefinitionPage,
    DifferenceAnswer,
    Form,
    ImportRequest,
    PlacePage,
    StoredDefinition,
    VersionAnswer,
    VersionList,
    definition_answer,
    definition_page,
    difference_answer,
    place_answer,
    version_answer,
    version_list,
)
from cloud_api.alarms.definitions.checking import problems_of, read_definition, read_definitions
from cloud_api.alarms.definitions.files import FileUnreadable, read_csv, read_toml, write_csv, write_toml
from cloud_api.alarms.definitions.instances import Actor
from cloud_api.alarms.definitions.models import Definition
from cloud_api.auth.access import Engineer, PoolOf, Viewer, refusals, role_line
from cloud_api.auth.principal import Principal
from cloud_api.auth.roles import Role
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.problems import Kinds, body_invalid, not_found
from cloud_api.scopes import ASSET, read_scope
from cloud_api.storage.alarm_definitions import (
    DefinitionFilter,
    select_alarm_definition,
    select_alarm_definition_version,
    select_alarm_definition_versions,
    select_alarm_definitions,
    select_alarm_definitions_page,
)
from cloud_api.storage.alarm_instances import select_alarm_instance_counts, select_alarm_instances_page
from cloud_api.storage.pool import Pool, transaction, trial

VERSIONS_SHOWN = 1000
PLACES_SHOWN = 20

router = APIRouter(prefix="/alarm-definitions", tags=["alarm definitions"])

DefinitionId = Annotated[UUID, Path(description="The definition's id")]
Version = Annotated[int, Query(ge=1, description="The version that the change is made from")]
Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[str | None, Query(max_length=4096)]
WRITING = refusals(Kinds.BODY_INVALID, Kinds.MEDIA_TYPE_UNSUPPORTED)
CHANGING = refusals(
    Kinds.BODY_INVALID, Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED
)


@router.get(
    "",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND),
    description="Find definitions, in the order of their names." + role_line(Role.VIEWER),
)
async def list_alarm_definitions(  # noqa: PLR0913, PLR0917 one argument a filter
    pool: PoolOf,
    _caller: Viewer,
    q: Annotated[str | None, Query(max_length=200, description="Part of the name")] = None,
    kind: Annotated[str | None, Query(max_length=40)] = None,
    priority: Annotated[Literal["critical", "high", "medium", "low"] | None, Query()] = None,
    position: Annotated[str | None, Query(max_length=100)] = None,
    path: Annotated[str | None, Query(max_length=1300, description="Glob of places that they watch")] = None,
    asset: Annotated[str | None, Query(max_length=1300, description=ASSET)] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> DefinitionPage:
    """List definitions."""
    question = ("alarm-definitions", q, kind, priority, position, path, asset)
    after = read_cursor(cursor, question, str) if cursor else ""
    async with pool.connection() as connection:
        is_open = path is None and asset is None
        pattern = None if is_open else (await read_scope(connection, path, asset)).pattern
        wanted = DefinitionFilter(kind, priority, position, q, pattern)
        rows = await select_alarm_definitions_page(connection, wanted, after, limit + 1)
    page = rows[:limit]
    return definition_page(page, write_cursor(page[-1].name, question) if len(rows) > limit else None)


@router.post(
    "",
    status_code=201,
    responses=WRITING,
    description="Make a definition; it is in force with the answer. Audited." + role_line(Role.ENGINEER),
)
async def create_alarm_definition(definition: Definition, pool: PoolOf, caller: Engineer) -> StoredDefinition:
    """Make a definition."""
    _check(definition)
    async with transaction(pool) as connection:
        made = await service.create(connection, definition, _actor(caller))
        counts = await select_alarm_instance_counts(connection, made.row.id)
    return definition_answer(made, counts)


@router.post(
    "/apply",
    responses=WRITING,
    description="Bring definitions, known by their names, to what is wanted: all or nothing. With `dry_run` only say "
    "what would change. Audited." + role_line(Role.ENGINEER),
)
async def apply_alarm_definitions(wanted: ApplyRequest, pool: PoolOf, caller: Engineer) -> DifferenceAnswer:
    """Apply a set of definitions."""
    return await _apply(wanted, pool, caller)


@router.post(
    "/import",
    responses=WRITING,
    description="Apply a file that `export` or a spreadsheet has written; else as `apply`." + role_line(Role.ENGINEER),
)
async def import_alarm_definitions(wanted: ImportRequest, pool: PoolOf, caller: Engineer) -> DifferenceAnswer:
    """Apply a file of definitions."""
    try:
        documents = read_csv(wanted.content) if wanted.format is Form.CSV else read_toml(wanted.content)
    except FileUnreadable as error:
        allowed = "a file as GET /alarm-definitions/export writes it"
        raise body_invalid("content", wanted.content[:200], str(error), allowed) from error
    same = ApplyRequest(definitions=documents, prune=wanted.prune, dry_run=wanted.dry_run)
    return await _apply(same, pool, caller)


@router.post(
    "/check",
    responses=refusals(Kinds.BODY_INVALID, Kinds.NOT_FOUND, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Say what is wrong with a definition, all at once; or else what it would change and where it would "
    "stand. Nothing is kept." + role_line(Role.ENGINEER),
)
async def check_alarm_definition(wanted: CheckRequest, pool: PoolOf, caller: Engineer) -> CheckAnswer:
    """Try a definition."""
    definition, problems = read_definition(wanted.definition)
    if definition is None:
        raise service.refuse(problems)
    before: dict[str, Any] = {}
    async with trial(pool) as connection:
        if wanted.id is None:
            made = await service.create(connection, definition, _actor(caller))
        else:
            old = await service.find(connection, wanted.id)
            before = old.definition.document()
            made = await service.replace(connection, wanted.id, old.row.version, definition, _actor(caller))
        watched, unfit = await select_alarm_instance_counts(connection, made.row.id)
        rows = await select_alarm_instances_page(connection, made.row.id, "", PLACES_SHOWN)
    changes = service.differences(before, definition.document())
    return CheckAnswer(changes=changes, watched=watched, unfit=unfit, places=[place_answer(row) for row in rows])


async def _apply(wanted: ApplyRequest, pool: Pool, caller: Principal) -> DifferenceAnswer:
    definitions, problems = read_definitions(wanted.definitions)
    if problems:
        raise service.refuse(problems)
    async with transaction(pool) as connection:
        if wanted.dry_run:
            difference = await service.compare(connection, definitions, is_pruning=wanted.prune)
        else:
            difference = await service.apply(connection, definitions, _actor(caller), is_pruning=wanted.prune)
    return difference_answer(difference)


@router.get(
    "/export",
    responses=refusals(Kinds.PARAMETER_INVALID)
    | {200: {"content": {"application/toml": {}, "text/csv": {}}, "description": "The file"}},
    response_class=Response,
    description="All definitions in force as a file that `apply` takes." + role_line(Role.VIEWER),
)
async def export_alarm_definitions(
    pool: PoolOf, _caller: Viewer, form: Annotated[Form, Query(alias="format")] = Form.TOML
) -> Response:
    """Export definitions."""
    async with pool.connection() as connection:
        rows = await select_alarm_definitions(connection)
    documents = [service.stored(row).definition.document() for row in rows]
    if form is Form.CSV:
        return Response(write_csv(documents), media_type="text/csv; charset=utf-8")
    return Response(write_toml(documents), media_type="application/toml")


@router.get(
    "/{definition_id}",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="One definition in force." + role_line(Role.VIEWER),
)
async def get_alarm_definition(definition_id: DefinitionId, pool: PoolOf, _caller: Viewer) -> StoredDefinition:
    """Read a definition."""
    async with pool.connection() as connection:
        found = await service.find(connection, definition_id)
        counts = await select_alarm_instance_counts(connection, definition_id)
    return definition_answer(found, counts)


@router.put(
    "/{definition_id}",
    responses=CHANGING,
    description="Replace a definition by a new version, in force with the answer. Audited." + role_line(Role.ENGINEER),
)
async def replace_alarm_definition(
    definition_id: DefinitionId, version: Version, definition: Definition, pool: PoolOf, caller: Engineer
) -> StoredDefinition:
    """Change a definition."""
    _check(definition)
    async with transaction(pool) as connection:
        changed = await service.replace(connection, definition_id, version, definition, _actor(caller))
        counts = await select_alarm_instance_counts(connection, definition_id)
    return definition_answer(changed, counts)


@router.delete(
    "/{definition_id}",
    status_code=204,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT),
    description="Take a definition out of force; its versions and the journal stay. Audited."
    + role_line(Role.ENGINEER),
)
async def delete_alarm_definition(
    definition_id: DefinitionId, version: Version, pool: PoolOf, caller: Engineer
) -> None:
    """Delete a definition."""
    async with transaction(pool) as connection:
        await service.delete(connection, definition_id, version, _actor(caller))


@router.get(
    "/{definition_id}/versions",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="Every version, the newest first; of deleted definitions too." + role_line(Role.VIEWER),
)
async def list_alarm_definition_versions(definition_id: DefinitionId, pool: PoolOf, _caller: Viewer) -> VersionList:
    """List versions."""
    async with pool.connection() as connection:
        rows = await select_alarm_definition_versions(connection, definition_id, VERSIONS_SHOWN)
    if not rows:
        raise not_found("alarm definition", "definition_id", str(definition_id))
    return version_list(rows)


@router.get(
    "/{definition_id}/versions/{version}",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="One version as it was." + role_line(Role.VIEWER),
)
async def get_alarm_definition_version(
    definition_id: DefinitionId, version: Annotated[int, Path(ge=1, le=2**31 - 1)], pool: PoolOf, _caller: Viewer
) -> VersionAnswer:
    """Read a version."""
    async with pool.connection() as connection:
        row = await select_alarm_definition_version(connection, definition_id, version)
    if row is None:
        raise not_found("version", "version", version)
    return version_answer(row)


@router.get(
    "/{definition_id}/places",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND),
    description="Where the definition stands, with the numbers that count there." + role_line(Role.VIEWER),
)
async def list_alarm_definition_places(
    definition_id: DefinitionId, pool: PoolOf, _caller: Viewer, limit: Limit = 100, cursor: Cursor = None
) -> PlacePage:
    """List places."""
    question = ("alarm-definition-places", str(definition_id))
    after = read_cursor(cursor, question, str) if cursor else ""
    async with pool.connection() as connection:
        if await select_alarm_definition(connection, definition_id) is None:
            raise not_found("alarm definition", "definition_id", str(definition_id))
        rows = await select_alarm_instances_page(connection, definition_id, after, limit + 1)
    page = rows[:limit]
    last = write_cursor(page[-1].instance, question) if len(rows) > limit else None
    return PlacePage(items=[place_answer(row) for row in page], next=last)


def _actor(caller: Principal) -> Actor:
    return Actor(caller.name, time.time_ns() // 1000)


def _check(definition: Definition) -> None:
    problems = problems_of(definition)
    if problems:
        raise service.refuse(problems)
