"""HTTP of the site: its name, its shifts, and how long its data are kept."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request

from cloud_api.ages import ALLOWED, FOREVER, AgeInvalid, is_shorter, read_age
from cloud_api.auth.access import Admin, Viewer, WholePool, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.problems import Kinds, body_invalid
from cloud_api.settings import CloudSettings, RetentionSettings
from cloud_api.site.models import Site, SiteChange, SiteRetention
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.pool import transaction
from cloud_api.storage.site import SiteRow, select_site, update_site

router = APIRouter(prefix="/site", tags=["operations"])


@router.get("", responses=refusals(), description="The site's name, shifts and retention." + role_line(Role.VIEWER))
async def get_site(request: Request, pool: WholePool, _caller: Viewer) -> Site:
    """Describe the site."""
    async with pool.connection() as connection:
        return _shown(await select_site(connection), request)


@router.put(
    "",
    responses=refusals(Kinds.BODY_INVALID, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Name the site, its shifts, and how long data are kept; a shorter time drops data within minutes,"
    " for ever; a longer one takes history within seconds, as far back as nothing was dropped. Audited."
    + role_line(Role.ADMIN),
)
async def put_site(request: Request, body: SiteChange, pool: WholePool, caller: Admin) -> Site:
    """Describe the site anew."""
    kept = body.retention
    row = SiteRow(body.name, sorted(set(body.shifts)), kept.raw, kept.minutes, kept.quarters)
    _check(row, _settings(request))
    async with transaction(pool) as connection:
        before = await select_site(connection)
        changed = await update_site(connection, row)
        await insert_audit(connection, caller.name, "site.change", None, _audited(before, changed))
    return _shown(changed, request)


def _settings(request: Request) -> RetentionSettings:
    settings: CloudSettings = request.state.settings
    return settings.retention


def _check(row: SiteRow, settings: RetentionSettings) -> None:
    """Minutes are rolled from raw samples, and quarters merged from minutes: none may go before what it is made of."""
    chosen = {"raw": row.retention_raw, "minutes": row.retention_1m, "quarters": row.retention_15m}
    standing = (settings.raw, settings.rollup_1m, settings.rollup_15m)
    ages = [_age(name, text, other) for (name, text), other in zip(chosen.items(), standing, strict=True)]
    for (name, text), age, made_of in list(zip(chosen.items(), ages, [None, *ages], strict=False))[1:]:
        if is_shorter(age, made_of):
            allowed = "at least as long as raw samples" if name == "minutes" else "at least as long as minutes"
            raise body_invalid(f"retention.{name}", text, "is shorter than what it is made from is kept", allowed)


def _age(name: str, text: str | None, standing: timedelta | None) -> timedelta | None:
    if text is None:
        return standing
    try:
        return read_age(text)
    except AgeInvalid:
        raise body_invalid(f"retention.{name}", text, "is not a time to keep data", ALLOWED) from None


def _shown(row: SiteRow, request: Request) -> Site:
    chosen = SiteRetention(raw=row.retention_raw, minutes=row.retention_1m, quarters=row.retention_15m)
    settings = _settings(request)
    used = SiteRetention(
        raw=chosen.raw or _text(settings.raw),
        minutes=chosen.minutes or _text(settings.rollup_1m),
        quarters=chosen.quarters or _text(settings.rollup_15m),
    )
    return Site(name=row.name, shifts=list(row.shifts), retention=chosen, retention_used=used, set_up_at=row.set_up_at)


def _text(age: timedelta | None) -> str:
    if age is None:
        return FOREVER
    return f"{age.days // 365}y" if age.days % 365 == 0 else f"{age.days}d"


def _audited(before: SiteRow, after: SiteRow) -> dict[str, Any]:
    names = ("name", "shifts", "retention_raw", "retention_1m", "retention_15m")
    changed = {name for name in names if getattr(before, name) != getattr(after, name)}
    return {"from": {n: getattr(before, n) for n in changed}, "to": {n: getattr(after, n) for n in changed}}
