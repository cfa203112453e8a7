"""HTTP of shares for their owners: make, change, pause, revoke; keys and links; who has read what."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request

from cloud_api.auth.access import PoolOf, ShareWatcher, Steward, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.auth.tokens import hash_secret
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.problems import Kinds, Problem, not_found
from cloud_api.shares import service
from cloud_api.shares.guests.router import router as shared
from cloud_api.shares.models import (
    Grant,
    GrantChange,
    GrantContent,
    GrantKey,
    GrantKeyRotation,
    GrantKeys,
    GrantKeyWithSecret,
    GrantPage,
    GrantRead,
    GrantReads,
    GrantVersion,
    GrantVersions,
    KeyKind,
    NewGrant,
    NewGrantKey,
    ShareState,
)
from cloud_api.shares.terms import Terms
from cloud_api.shares.tokens import LINK_PATH, make_share_token, write_share_token
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.pool import Connection, transaction
from cloud_api.storage.share_reads import ReadRow, select_share_reads
from cloud_api.storage.shares import (
    NEWEST,
    NewShareKey,
    ShareKeyRow,
    insert_share_key,
    select_share,
    select_share_keys,
    select_share_versions,
    select_shares,
    update_share_key_expiry,
    update_share_key_revoked,
)

grants = APIRouter(prefix="/grants", tags=["shares"])
router = APIRouter()
GrantId = Annotated[int, Path(ge=1, le=2**63 - 1)]
KeyId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Limit = Annotated[int, Query(ge=1, le=1_000)]
Previewed = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="The share whose terms these would be")]
Cursor = Annotated[str | None, Query(description="`next` of the page before")]

WATCHING = role_line(Role.STEWARD, Role.AUDITOR)
STEWARDING = role_line(Role.STEWARD)
CHANGING = refusals(Kinds.BODY_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED)
FINDING = refusals(Kinds.NOT_FOUND, Kinds.PARAMETER_INVALID)


@grants.get(
    "",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID),
    description="Shares with other companies, revoked ones too." + WATCHING,
)
async def list_grants(pool: PoolOf, _caller: ShareWatcher, limit: Limit = 100, cursor: Cursor = None) -> GrantPage:
    """List shares."""
    after = read_cursor(cursor, ("grants",), int) if cursor else 0
    async with pool.connection() as connection:
        rows = await select_shares(connection, after, limit + 1)
    page = rows[:limit]
    more = write_cursor(page[-1].id, ("grants",)) if len(rows) > len(page) else None
    return GrantPage(items=[service.summary(row) for row in page], next=more)


@grants.post(
    "",
    status_code=201,
    responses=refusals(Kinds.BODY_INVALID, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Share some of what you see with another company, by keys that you make for it. Audited." + STEWARDING,
)
async def post_grant(body: NewGrant, pool: PoolOf, caller: Steward) -> Grant:
    """Make a share."""
    async with transaction(pool) as connection:
        return await service.create(connection, body, caller.name, datetime.now(UTC))


@grants.post(
    "/preview",
    responses=refusals(Kinds.BODY_INVALID, Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Which assets and series terms would mean, and what they would be called outside; with `grant` as "
    "terms of a share that is there, whose names stay. Nothing is kept." + STEWARDING,
)
async def preview_grant(body: NewGrant, pool: PoolOf, _caller: Steward, grant: Previewed = None) -> GrantContent:
    """Look what terms would mean."""
    async with transaction(pool) as connection:
        return await service.preview(connection, body, datetime.now(UTC), grant)


@grants.get("/{grant_id}", responses=FINDING, description="A share with its terms and what they mean." + WATCHING)
async def get_grant(grant_id: GrantId, pool: PoolOf, _caller: ShareWatcher) -> Grant:
    """Describe a share."""
    async with transaction(pool) as connection:
        return await service.find(connection, grant_id)


@grants.put(
    "/{grant_id}",
    responses=CHANGING | refusals(Kinds.VERSION_CONFLICT, Kinds.CONFLICT),
    description="Give a share other terms and look again what they mean; a machine keeps the name that it has outside. "
    "Keys stay valid. Audited; every version is kept." + STEWARDING,
)
async def put_grant(grant_id: GrantId, body: GrantChange, pool: PoolOf, caller: Steward) -> Grant:
    """Change a share."""
    async with transaction(pool) as connection:
        return await service.change(connection, grant_id, body, caller.name, datetime.now(UTC))


@grants.post(
    "/{grant_id}/pause",
    responses=FINDING | refusals(Kinds.CONFLICT),
    description="Let nobody read a share until it is resumed; a download that runs ends. Audited." + STEWARDING,
)
async def pause_grant(grant_id: GrantId, pool: PoolOf, caller: Steward) -> Grant:
    """Pause a share."""
    async with transaction(pool) as connection:
        return await service.set_state(connection, grant_id, ShareState.PAUSED, caller.name)


@grants.post(
    "/{grant_id}/resume",
    responses=FINDING | refusals(Kinds.CONFLICT),
    description="Let a paused share be read again. Audited." + STEWARDING,
)
async def resume_grant(grant_id: GrantId, pool: PoolOf, caller: Steward) -> Grant:
    """Resume a share."""
    async with transaction(pool) as connection:
        return await service.set_state(connection, grant_id, ShareState.ACTIVE, caller.name)


@grants.post(
    "/{grant_id}/revoke",
    responses=FINDING | refusals(Kinds.CONFLICT),
    description="End a share for good, at once: a download that runs ends at its next part. Audited." + STEWARDING,
)
async def revoke_grant(grant_id: GrantId, pool: PoolOf, caller: Steward) -> Grant:
    """Revoke a share."""
    async with transaction(pool) as connection:
        return await service.set_state(connection, grant_id, ShareState.REVOKED, caller.name)


@grants.get("/{grant_id}/versions", responses=FINDING, description="Every version of a share." + WATCHING)
async def list_grant_versions(grant_id: GrantId, pool: PoolOf, _caller: ShareWatcher) -> GrantVersions:
    """List versions of a share."""
    async with transaction(pool) as connection:
        await _exists(connection, grant_id)
        rows = await select_share_versions(connection, grant_id)
    items = [
        GrantVersion(
            version=row.version,
            name=row.name,
            state=row.state,
            terms=Terms.model_validate_json(row.terms),
            changed_at=row.changed_at,
            changed_by=row.changed_by,
        )
        for row in rows
    ]
    return GrantVersions(items=items)


@grants.get(
    "/{grant_id}/reads",
    responses=FINDING | refusals(Kinds.CURSOR_INVALID, Kinds.PARAMETER_INVALID),
    description="Who has read what of a share, from where, and how many rows; refused reads as well." + WATCHING,
)
async def list_grant_reads(
    grant_id: GrantId, pool: PoolOf, _caller: ShareWatcher, limit: Limit = 100, cursor: Cursor = None
) -> GrantReads:
    """List reads of a share."""
    question = ("grant reads", grant_id)
    before = read_cursor(cursor, question, int) if cursor else NEWEST
    async with transaction(pool) as connection:
        await _exists(connection, grant_id)
        rows = await select_share_reads(connection, grant_id, before, limit + 1)
    page = rows[:limit]
    more = write_cursor(page[-1].id, question) if len(rows) > len(page) else None
    return GrantReads(items=[_read(row) for row in page], next=more)


@grants.get("/{grant_id}/keys", responses=FINDING, description="Keys and links of a share." + WATCHING)
async def list_grant_keys(grant_id: GrantId, pool: PoolOf, _caller: ShareWatcher) -> GrantKeys:
    """List keys of a share."""
    async with transaction(pool) as connection:
        await _exists(connection, grant_id)
        rows = await select_share_keys(connection, grant_id)
    return GrantKeys(items=[_key(row) for row in rows])


@grants.post(
    "/{grant_id}/keys",
    status_code=201,
    responses=CHANGING,
    description="Make a key or a link for the recipient; the answer shows it, once. Audited." + STEWARDING,
)
async def post_grant_key(
    request: Request, grant_id: GrantId, body: NewGrantKey, pool: PoolOf, caller: Steward
) -> GrantKeyWithSecret:
    """Make a key of a share."""
    ends_at = service.key_end(body.days, datetime.now(UTC))
    async with transaction(pool) as connection:
        await _exists(connection, grant_id)
        made = await _make(connection, request, (grant_id, body.name, body.kind, ends_at), caller.name)
        detail = {"name": body.name, "kind": body.kind, "key": made.grant_key.prefix, "expires_at": ends_at}
        await insert_audit(connection, caller.name, "grant.key_create", str(grant_id), detail)
    return made


@grants.post(
    "/{grant_id}/keys/{key_id}/rotate",
    status_code=201,
    responses=CHANGING,
    description="Make another key in place of one, which works `overlap_hours` longer. Audited." + STEWARDING,
)
async def rotate_grant_key(
    request: Request, grant_id: GrantId, key_id: KeyId, body: GrantKeyRotation, pool: PoolOf, caller: Steward
) -> GrantKeyWithSecret:
    """Rotate a key of a share."""
    now = datetime.now(UTC)
    async with transaction(pool) as connection:
        old = await _find(connection, grant_id, key_id)
        if old.revoked_at is not None or old.is_expired:
            raise Problem(Kinds.CONFLICT, "this key does not work any more; make a new one")
        lasts = None if old.expires_at is None else now + (old.expires_at - old.created_at)
        made = await _make(connection, request, (grant_id, old.name, KeyKind(old.kind), lasts), caller.name)
        ends_at = now + timedelta(hours=body.overlap_hours)
        await update_share_key_expiry(connection, key_id, ends_at)
        detail = {"name": old.name, "from": old.prefix, "to": made.grant_key.prefix, "old_ends_at": ends_at}
        await insert_audit(connection, caller.name, "grant.key_rotate", str(grant_id), detail)
    return made


@grants.delete(
    "/{grant_id}/keys/{key_id}",
    status_code=204,
    responses=FINDING,
    description="Revoke a key of a share; it stops working at once. Audited." + STEWARDING,
)
async def delete_grant_key(grant_id: GrantId, key_id: KeyId, pool: PoolOf, caller: Steward) -> None:
    """Revoke a key of a share."""
    async with transaction(pool) as connection:
        row = await _find(connection, grant_id, key_id)
        if await update_share_key_revoked(connection, key_id):
            detail = {"name": row.name, "key": row.prefix}
            await insert_audit(connection, caller.name, "grant.key_revoke", str(grant_id), detail)


async def _exists(connection: Connection, grant_id: int) -> None:
    if await select_share(connection, grant_id) is None:
        raise not_found("grant", "grant_id", grant_id)


async def _find(connection: Connection, grant_id: int, key_id: int) -> ShareKeyRow:
    await _exists(connection, grant_id)
    rows = {row.id: row for row in await select_share_keys(connection, grant_id)}
    if key_id not in rows:
        raise not_found("key of this grant", "key_id", key_id)
    return rows[key_id]


async def _make(
    connection: Connection, request: Request, about: tuple[int, str, KeyKind, datetime | None], who: str
) -> GrantKeyWithSecret:
    grant_id, name, kind, ends_at = about
    token = make_share_token(secrets.token_bytes)
    key = NewShareKey(grant_id, name, kind, token.prefix, hash_secret(token), ends_at, who)
    key_id = await insert_share_key(connection, key)
    text = write_share_token(token)
    base = request.state.settings.notify.public_url or str(request.base_url).rstrip("/")
    link = f"{base}{LINK_PATH}{text}" if kind is KeyKind.LINK else None
    return GrantKeyWithSecret(grant_key=_key(await _find(connection, grant_id, key_id)), key=text, link=link)


def _key(row: ShareKeyRow) -> GrantKey:
    state = "revoked" if row.revoked_at is not None else "expired" if row.is_expired else "valid"
    return GrantKey(
        id=row.id,
        name=row.name,
        kind=KeyKind(row.kind),
        prefix=row.prefix,
        state=state,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def _read(row: ReadRow) -> GrantRead:
    return GrantRead(
        id=row.id,
        at=row.at,
        ended_at=row.ended_at,
        key=row.key_name,
        key_prefix=row.key_prefix,
        version=row.version,
        address=row.address,
        client=row.client,
        what=row.what,
        question=msgspec.json.decode(row.question),
        rows=row.row_count,
        outcome=row.outcome,
    )


router.include_router(grants)
router.include_router(shared)
