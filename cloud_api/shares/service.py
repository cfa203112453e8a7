"""What owners do with shares: make, look through, change, pause, resume, revoke; each change a version, and audited."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cloud_api.problems import Kinds, Problem, body_invalid, not_found
from cloud_api.shares.models import (
    Grant,
    GrantChange,
    GrantContent,
    GrantedAsset,
    GrantedSeries,
    GrantSummary,
    NewGrant,
    ShareState,
)
from cloud_api.shares.resolving import Meaning, resolve
from cloud_api.shares.terms import DAY_S, Terms, check_terms
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.pool import Connection
from cloud_api.storage.shares import (
    NewShare,
    ShareRow,
    insert_share,
    insert_share_version,
    lock_share,
    replace_share_content,
    select_share,
    select_share_assets,
    select_share_series,
    update_share,
    update_share_state,
)


async def preview(connection: Connection, body: NewGrant, now: datetime, share_id: int | None = None) -> GrantContent:
    """What terms would mean, of a new share or of one that is there; nothing is kept."""
    if share_id is not None and await select_share(connection, share_id) is None:
        raise not_found("grant", "grant", share_id)
    _check(body.name, body.terms, now)
    return _content(await resolve(connection, body.terms, await _named(connection, share_id)))


async def create(connection: Connection, body: NewGrant, who: str, now: datetime) -> Grant:
    """Make a share."""
    _check(body.name, body.terms, now)
    meaning = await resolve(connection, body.terms, {})
    share_id = await insert_share(connection, _kept(body.name, body.terms, who))
    await replace_share_content(connection, share_id, meaning.assets, meaning.series)
    await insert_share_version(connection, share_id)
    detail = {"name": body.name, "terms": _plain(body.terms), "series": _shown_series(meaning)}
    await insert_audit(connection, who, "grant.create", str(share_id), detail)
    return await find(connection, share_id)


async def change(connection: Connection, share_id: int, body: GrantChange, who: str, now: datetime) -> Grant:
    """Give a share other terms, and look again what they mean."""
    row = await _lock(connection, share_id)
    if row.version != body.version:
        raise Problem(Kinds.VERSION_CONFLICT, f"it has version {row.version}", more={"version": row.version})
    _check(body.name, body.terms, now)
    meaning = await resolve(connection, body.terms, await _named(connection, share_id))
    await update_share(connection, share_id, _kept(body.name, body.terms, who))
    await replace_share_content(connection, share_id, meaning.assets, meaning.series)
    await insert_share_version(connection, share_id)
    detail = {
        "before": {"name": row.name, "terms": msgspec.json.decode(row.terms)},
        "after": {"name": body.name, "terms": _plain(body.terms), "series": _shown_series(meaning)},
    }
    await insert_audit(connection, who, "grant.change", str(share_id), detail)
    return await find(connection, share_id)


async def set_state(connection: Connection, share_id: int, state: ShareState, who: str) -> Grant:
    """Pause, resume or revoke a share: the next read, or the next part of one that runs, obeys."""
    row = await _lock(connection, share_id)
    if row.state != state:
        await update_share_state(connection, share_id, state, who)
        await insert_share_version(connection, share_id)
        verb = {ShareState.ACTIVE: "resume", ShareState.PAUSED: "pause"}.get(state, "revoke")
        await insert_audit(connection, who, f"grant.{verb}", str(share_id), {"name": row.name, "before": row.state})
    return await find(connection, share_id)


async def find(connection: Connection, share_id: int) -> Grant:
    """A share with what it means; a Problem where there is none."""
    row = await select_share(connection, share_id)
    if row is None:
        raise not_found("grant", "grant_id", share_id)
    assets = await select_share_assets(connection, share_id)
    series = await select_share_series(connection, share_id)
    content = GrantContent(
        assets=[GrantedAsset(path=each.path, alias=each.alias) for each in assets],
        series=[
            GrantedSeries(
                id=each.series_id, path=each.path, alias=each.alias, tag=each.tag, is_held_back=each.is_held_back
            )
            for each in series
        ],
    )
    return Grant(**summary(row).model_dump(), terms=Terms.model_validate_json(row.terms), content=content)


def summary(row: ShareRow) -> GrantSummary:
    """A share in a list."""
    is_over = row.is_expired and row.state != ShareState.REVOKED
    return GrantSummary(
        id=row.id,
        name=row.name,
        state=ShareState.EXPIRED if is_over else ShareState(row.state),
        version=row.version,
        recipient=Terms.model_validate_json(row.terms).recipient,
        expires_at=row.expires_at,
        spent_rows=row.spent_rows,
        spent_rows_today=row.spent_day_rows,
        created_at=row.created_at,
        created_by=row.created_by,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )


async def _named(connection: Connection, share_id: int | None) -> dict[str, str]:
    """The names that a share has given outside, which stay."""
    if share_id is None:
        return {}
    named = {each.path: each.alias for each in await select_share_assets(connection, share_id)}
    return named | {each.path: each.alias for each in await select_share_series(connection, share_id)}


async def _lock(connection: Connection, share_id: int) -> ShareRow:
    row = await lock_share(connection, share_id)
    if row is None:
        raise not_found("grant", "grant_id", share_id)
    if row.state == ShareState.REVOKED:
        raise Problem(Kinds.CONFLICT, "this share was revoked; make a new one")
    return row


def _check(name: str, terms: Terms, now: datetime) -> None:
    if not name.strip() or not name.isprintable():
        raise body_invalid("name", name, "is not a name", "1 to 100 printable characters")
    check_terms(terms, now)


def _kept(name: str, terms: Terms, who: str) -> NewShare:
    window = terms.window
    return NewShare(
        name=name,
        terms=terms.model_dump_json(),
        from_at=_utc(window.from_),
        to_at=_utc(window.to),
        rolling_s=None if window.last_days is None else window.last_days * DAY_S,
        expires_at=terms.expires_at.astimezone(UTC),
        rows_per_day=terms.budget.rows_per_day,
        rows_total=terms.budget.rows_total,
        who=who,
    )


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)


def _plain(terms: Terms) -> dict[str, Any]:
    return terms.model_dump(mode="json")


def _shown_series(meaning: Meaning) -> dict[str, str]:
    return {each.alias: meaning.paths[each.series_id] for each in meaning.series}


def _content(meaning: Meaning) -> GrantContent:
    return GrantContent(
        assets=[GrantedAsset(path=each.path, alias=each.alias) for each in meaning.assets],
        series=[
            GrantedSeries(
                id=each.series_id,
                path=meaning.paths[each.series_id],
                alias=each.alias,
                tag=each.tag,
                is_held_back=False,
            )
            for each in meaning.series
        ],
    )


def key_end(days: int | None, now: datetime) -> datetime | None:
    """When a key of so many days ends."""
    return None if days is None else now + timedelta(days=days)
