"""HTTP of asset templates: made, changed, bound by an asset's `template_id`, and held beside their assets."""

from dataclasses import replace
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_api.assets.templates.answers import (
    REPORT_COLUMNS,
    encode_report,
    encode_template,
    encode_template_page,
    report_rows,
)
from cloud_api.assets.templates.models import (
    NewTemplate,
    Template,
    TemplateChange,
    TemplatePage,
    TemplateReport,
    TemplateTag,
)
from cloud_api.assets.templates.report import Conformance, compare, tags_of
from cloud_api.auth.access import Engineer, PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.problems import Kinds, Problem, body_invalid, not_found
from cloud_api.scopes import ASSET, read_scope
from cloud_api.sheets import MEDIA_TYPE, SheetForm, wants_sheet, write_sheet
from cloud_api.storage.asset_templates import (
    TagRow,
    TemplateRow,
    delete_template,
    insert_template,
    select_bound_paths,
    select_tags_below,
    select_template,
    select_template_page,
    update_template,
)
from cloud_api.storage.assets import AssetFilter, AssetRow, select_asset_page
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.failures import DOUBLED
from cloud_api.storage.pool import Connection, transaction

router = APIRouter(prefix="/asset-templates", tags=["assets"])

TemplateId = Annotated[int, Path(ge=1, le=2**63 - 1)]
CHANGES = (Kinds.BODY_INVALID, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED, Kinds.BODY_TOO_LARGE)
_QUESTION = ("asset-templates",)


class TemplateParameters(BaseModel):
    """Of GET /asset-templates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")


class ReportParameters(BaseModel):
    """Of GET /asset-templates/{id}/report."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asset: str | None = Field(default=None, description=ASSET)
    csv: SheetForm = SheetForm.PLAIN
    limit: int = Field(default=1_000, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")


@router.get(
    "",
    response_model=TemplatePage,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID),
    description="Asset templates." + role_line(Role.VIEWER),
)
async def list_templates(parameters: Annotated[TemplateParameters, Query()], pool: PoolOf, _caller: Viewer) -> Response:
    """List templates."""
    after = read_cursor(parameters.cursor, _QUESTION, int) if parameters.cursor else 0
    async with pool.connection() as connection:
        rows = await select_template_page(connection, after, parameters.limit + 1)
    page = rows[: parameters.limit]
    cursor = write_cursor(page[-1].id, _QUESTION) if len(rows) > len(page) else None
    return Response(encode_template_page(page, cursor), media_type="application/json")


@router.post(
    "",
    response_model=Template,
    responses=refusals(*CHANGES),
    description="Make a template of the tags that an asset should have. Audited." + role_line(Role.ENGINEER),
)
async def post_template(new: NewTemplate, pool: PoolOf, caller: Engineer) -> Response:
    """Make a template."""
    async with transaction(pool) as connection:
        try:
            template_id = await insert_template(connection, new.name, new.description, _tags(new.tags))
        except DOUBLED as error:
            raise _taken(new.name) from error
        await insert_audit(connection, caller.name, "template.create", str(template_id), new.model_dump(mode="json"))
        row = await _find(connection, template_id)
    return _json(row)


@router.get(
    "/{template_id}",
    response_model=Template,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="One template." + role_line(Role.VIEWER),
)
async def get_template(template_id: TemplateId, pool: PoolOf, _caller: Viewer) -> Response:
    """Describe one template."""
    async with pool.connection() as connection:
        row = await _find(connection, template_id)
    return _json(row)


@router.patch(
    "/{template_id}",
    response_model=Template,
    responses=refusals(Kinds.NOT_FOUND, *CHANGES),
    description="Change a template; `tags` replaces them all. Audited." + role_line(Role.ENGINEER),
)
async def patch_template(template_id: TemplateId, change: TemplateChange, pool: PoolOf, caller: Engineer) -> Response:
    """Change a template."""
    named = change.model_dump(mode="json", exclude_unset=True)
    if not named:
        raise body_invalid("name", None, "and every other field is missing", "name, description or tags")
    async with transaction(pool) as connection:
        before = await _find(connection, template_id)
        row = replace(
            before,
            name=change.name or before.name,
            description=change.description if "description" in named else before.description,
            tags=before.tags if change.tags is None else _tags(change.tags),
        )
        try:
            await update_template(connection, row)
        except DOUBLED as error:
            raise _taken(row.name) from error
        detail = {"from": {"name": before.name, "tags": msgspec.json.decode(before.tags)}, "to": named}
        await insert_audit(connection, caller.name, "template.change", str(template_id), detail)
        row = await _find(connection, template_id)
    return _json(row)


@router.delete(
    "/{template_id}",
    response_model=Template,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT),
    description="Delete a template to which no asset is bound. Audited." + role_line(Role.ENGINEER),
)
async def remove_template(template_id: TemplateId, pool: PoolOf, caller: Engineer) -> Response:
    """Delete a template."""
    async with transaction(pool) as connection:
        row = await _find(connection, template_id)
        if row.asset_count:
            raise Problem(Kinds.CONFLICT, f"{row.asset_count} assets are bound to {row.name!r}; unbind them first")
        await delete_template(connection, template_id)
        detail = {"name": row.name, "tags": msgspec.json.decode(row.tags)}
        await insert_audit(connection, caller.name, "template.delete", str(template_id), detail)
    return _json(row)


@router.get(
    "/{template_id}/report",
    response_model=TemplateReport,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND),
    description="Assets that are bound to a template, beside it: tags that are missing, extra, or otherwise in kind,"
    " unit, range or scan period. `Accept: text/csv` gives a row for each finding." + role_line(Role.VIEWER),
)
async def report_template(
    request: Request,
    template_id: TemplateId,
    parameters: Annotated[ReportParameters, Query()],
    pool: PoolOf,
    _caller: Viewer,
) -> Response:
    """Hold a template beside its assets."""
    async with transaction(pool) as connection:
        template = await _find(connection, template_id)
        scope = await read_scope(connection, None, parameters.asset)
        question = ("template-report", template_id, scope.text)
        after = read_cursor(parameters.cursor, question, str) if parameters.cursor else ""
        asset_filter = AssetFilter(scope, template_id=template_id)
        assets = await select_asset_page(connection, asset_filter, after, parameters.limit + 1)
        page = assets[: parameters.limit]
        found = await _compare(connection, template, page)
    cursor = write_cursor(page[-1].path, question) if len(assets) > len(page) else None
    if wants_sheet(request.headers.get("Accept")):
        return Response(write_sheet(REPORT_COLUMNS, report_rows(found), parameters.csv), media_type=MEDIA_TYPE)
    return Response(encode_report(template, found, cursor), media_type="application/json")


async def _compare(
    connection: Connection, template: TemplateRow, assets: list[AssetRow]
) -> list[tuple[AssetRow, Conformance]]:
    expected = msgspec.json.decode(template.tags)
    tags = [TemplateTag.model_validate(tag) for tag in expected]
    paths = [asset.path for asset in assets]
    bound = await select_bound_paths(connection, paths)
    rows: dict[str, list[TagRow]] = {}
    for row in await select_tags_below(connection, paths):
        rows.setdefault(row.asset, []).append(row)
    return [(asset, compare(tags, tags_of(asset.path, rows.get(asset.path, []), bound))) for asset in assets]


async def _find(connection: Connection, template_id: int) -> TemplateRow:
    row = await select_template(connection, template_id)
    if row is None:
        raise not_found("asset template", "template_id", template_id)
    return row


def _tags(tags: list[TemplateTag]) -> str:
    return msgspec.json.encode([tag.model_dump(mode="json") for tag in tags]).decode()


def _taken(name: str) -> Problem:
    return Problem(Kinds.CONFLICT, f"another template has the name {name!r}")


def _json(row: TemplateRow) -> Response:
    return Response(msgspec.json.encode(encode_template(row)), media_type="application/json")
