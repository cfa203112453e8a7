"""HTTP of API keys: list, make, rotate with overlap, revoke; audited."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Path

from cloud_api.auth.access import Admin, WholePool, refusals, role_line
from cloud_api.auth.reach import EVERYTHING, checked_reach
from cloud_api.auth.roles import Role
from cloud_api.auth.tokens import hash_secret, make_token
from cloud_api.keys.models import ApiKey, ApiKeyPage, ApiKeyWithSecret, NewApiKey, Rotation
from cloud_api.problems import Kinds, Problem, body_invalid, not_found
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.keys import (
    KeyRow,
    NewKey,
    insert_api_key,
    select_api_key,
    select_api_key_by_id,
    select_api_keys,
    update_api_key_expiry,
    update_api_key_revoked,
)
from cloud_api.storage.pool import Connection, transaction
from cloud_api.storage.users import lock_users, select_key_name_taken

router = APIRouter(prefix="/api-keys", tags=["access"])


class NewGrants(NamedTuple):
    """What a key to be made is called, and what it allows."""

    name: str
    role: str | None
    scopes: list[str]
    expires_at: datetime | None
    reach: list[str]


KeyId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("", responses=refusals(), description="API keys, revoked ones too." + role_line(Role.ADMIN))
async def list_api_keys(pool: WholePool, _caller: Admin) -> ApiKeyPage:
    """List API keys."""
    async with pool.connection() as connection:
        return ApiKeyPage(items=[_shown(row) for row in await select_api_keys(connection)])


@router.post(
    "",
    status_code=201,
    responses=refusals(Kinds.BODY_INVALID, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Make an API key; the answer shows it, once. Audited." + role_line(Role.ADMIN),
)
async def post_api_key(body: NewApiKey, pool: WholePool, caller: Admin) -> ApiKeyWithSecret:
    """Make an API key."""
    if not body.name.strip() or not body.name.isprintable():
        raise body_invalid("name", body.name, "is not a name", "1 to 100 printable characters")
    if body.role is None and not body.scopes:
        raise body_invalid("role", None, "is missing, and so are scopes", "one of the two, or both")
    reach = checked_reach(body.reach, body.role)
    if body.scopes and reach != list(EVERYTHING):
        raise body_invalid("reach", reach, "is limited, which scopes cannot be", '["**"]')
    expires_at = None if body.days is None else datetime.now(UTC) + timedelta(days=body.days)
    async with transaction(pool) as connection:
        await lock_users(connection)
        if await select_key_name_taken(connection, body.name):
            raise Problem(Kinds.CONFLICT, f"a user has the name {body.name!r}")
        grants = NewGrants(body.name, body.role, [str(scope) for scope in body.scopes], expires_at, reach)
        made = await _make(connection, grants)
        await insert_audit(connection, caller.name, "api_key.create", made.api_key.prefix, grants._asdict())
    return made


@router.post(
    "/{key_id}/rotate",
    status_code=201,
    responses=refusals(Kinds.BODY_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Make a key that may the same; the old one works `overlap_hours` longer. Audited."
    + role_line(Role.ADMIN),
)
async def rotate_api_key(key_id: KeyId, body: Rotation, pool: WholePool, caller: Admin) -> ApiKeyWithSecret:
    """Rotate an API key."""
    now = datetime.now(UTC)
    async with transaction(pool) as connection:
        old = await _find(connection, key_id)
        if old.revoked_at is not None or old.is_expired:
            raise Problem(Kinds.CONFLICT, "this key does not work any more; make a new one")
        ends_at = now + timedelta(hours=body.overlap_hours)
        if old.expires_at is not None:
            ends_at = min(ends_at, old.expires_at)
        lasts = None if old.expires_at is None else now + (old.expires_at - old.created_at)
        made = await _make(connection, NewGrants(old.name, old.role, old.scopes, lasts, old.reach))
        await update_api_key_expiry(connection, key_id, ends_at)
        detail = {"name": old.name, "to": made.api_key.prefix, "old_ends_at": ends_at}
        await insert_audit(connection, caller.name, "api_key.rotate", old.prefix, detail)
    return made


@router.delete(
    "/{key_id}",
    status_code=204,
    responses=refusals(Kinds.NOT_FOUND, Kinds.PARAMETER_INVALID),
    description="Revoke an API key; it stops working at once. Audited." + role_line(Role.ADMIN),
)
async def delete_api_key(key_id: KeyId, pool: WholePool, caller: Admin) -> None:
    """Revoke an API key."""
    async with transaction(pool) as connection:
        row = await _find(connection, key_id)
        if await update_api_key_revoked(connection, row.prefix):
            await insert_audit(connection, caller.name, "api_key.revoke", row.prefix, {"name": row.name})


async def _make(connection: Connection, grants: NewGrants) -> ApiKeyWithSecret:
    token = make_token(secrets.token_bytes)
    name, role, scopes, expires_at, reach = grants
    await insert_api_key(connection, NewKey(name, token.prefix, hash_secret(token), role, scopes, expires_at, reach))
    row = await select_api_key(connection, token.prefix)
    assert row is not None
    return ApiKeyWithSecret(api_key=_shown(row), key=str(token))


async def _find(connection: Connection, key_id: int) -> KeyRow:
    row = await select_api_key_by_id(connection, key_id)
    if row is None:
        raise not_found("API key", "key_id", key_id)
    return row


def _shown(row: KeyRow) -> ApiKey:
    state = "revoked" if row.revoked_at is not None else "expired" if row.is_expired else "valid"
    return ApiKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        role=Role(row.role) if row.role else None,
        scopes=row.scopes,
        state=state,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        reach=row.reach,
    )
