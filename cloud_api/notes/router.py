"""HTTP of notes: written by operators on a stretch of time, seen by whoever sees the series; audited."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from cloud_api.auth.access import Operator, PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role, is_enough
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.instants import parse_instant, to_datetime
from cloud_api.notes.models import NewNote, Note, NotePage, NoteParameters
from cloud_api.problems import Kinds, Problem, body_invalid, in_body, not_found
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.notes import (
    NEWEST,
    NoteFilter,
    NoteRow,
    delete_note,
    insert_note,
    select_notes,
    select_written_note,
)
from cloud_api.storage.pool import Connection, transaction

router = APIRouter(prefix="/notes", tags=["history"])

NoteId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get(
    "",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID),
    description="What people have written, newest first." + role_line(Role.VIEWER),
)
async def list_notes(parameters: Annotated[NoteParameters, Query()], pool: PoolOf, _caller: Viewer) -> NotePage:
    """List notes."""
    before = read_cursor(parameters.cursor, parameters.question, int) if parameters.cursor else NEWEST
    note_filter = NoteFilter(
        about=parameters.about,
        from_at=to_datetime(parse_instant(parameters.from_, "from")) if parameters.from_ else None,
        to_at=to_datetime(parse_instant(parameters.to, "to")) if parameters.to else None,
    )
    async with pool.connection() as connection:
        rows = await select_notes(connection, note_filter, before, parameters.limit + 1)
    page = rows[: parameters.limit]
    cursor = write_cursor(page[-1].id, parameters.question) if len(rows) > len(page) else None
    return NotePage(items=[_shown(row) for row in page], next=cursor)


@router.post(
    "",
    status_code=201,
    responses=refusals(Kinds.BODY_INVALID, Kinds.NOT_FOUND, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Write a note on a stretch of a series or an asset. Audited." + role_line(Role.OPERATOR),
)
async def post_note(body: NewNote, pool: PoolOf, caller: Operator) -> Note:
    """Write a note."""
    with in_body():
        from_us, to_us = parse_instant(body.from_, "from"), parse_instant(body.to, "to")
    if to_us < from_us:
        raise body_invalid("to", body.to, "is before `from`", "the same instant or a later one")
    async with transaction(pool) as connection:
        note_id = await insert_note(
            connection,
            path=body.path,
            span=(to_datetime(from_us), to_datetime(to_us)),
            text=body.text,
            who=caller.name,
        )
        if note_id is None:
            raise not_found("series or asset", "path", body.path)
        await insert_audit(
            connection, caller.name, "note.create", body.path, body.model_dump(by_alias=True) | {"id": note_id}
        )
        row = await _find(connection, note_id)
    return _shown(row)


@router.delete(
    "/{note_id}",
    status_code=204,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="Remove a note of one's own; engineers remove any. Audited with its text." + role_line(Role.OPERATOR),
)
async def remove_note(note_id: NoteId, pool: PoolOf, caller: Operator) -> None:
    """Remove a note."""
    async with transaction(pool) as connection:
        row = await _find(connection, note_id)
        if row.who != caller.name and not is_enough(caller.role, Role.ENGINEER):
            raise Problem(Kinds.ROLE_INSUFFICIENT, f"the note is of {row.who!r}; others' notes need the role engineer")
        await delete_note(connection, note_id)
        detail = {"id": note_id, "text": row.text, "who": row.who}
        await insert_audit(connection, caller.name, "note.remove", row.path, detail)


async def _find(connection: Connection, note_id: int) -> NoteRow:
    row = await select_written_note(connection, note_id)
    if row is None:
        raise not_found("note", "note_id", note_id)
    return row


def _shown(row: NoteRow) -> Note:
    return Note(
        id=row.id,
        path=row.path,
        is_series=row.is_series,
        from_at=row.from_at,
        to_at=row.to_at,
        text=row.text,
        who=row.who,
        created_at=row.created_at,
    )
