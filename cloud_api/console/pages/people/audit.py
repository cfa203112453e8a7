"""The audit: who did what, from where, and whether the chain over it is whole."""

import json
from collections.abc import Mapping
from typing import Any

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.parts.buttons import side_button
from cloud_api.console.parts.filters import Filters
from cloud_api.console.parts.html import attributed, element, words
from cloud_api.console.parts.span import read_span, span_buttons
from cloud_api.console.parts.table import Column, Pages
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen

OUTCOMES = ("done", "refused", "failed")
DETAIL_SHOWN = 400
EXPORTED = 10_000


async def build(screen: Screen) -> None:
    """Build the page."""
    start, end = read_span(screen)
    with element("section", "ms-card ms-stack"):
        with element("div", "ms-row ms-no-print"):
            filters = Filters(screen)
            for name in ("who", "action", "subject", "address"):
                filters.text(name, screen.text(f"audit.{name}"))
            filters.choice("outcome", screen.text("audit.outcome"), _outcomes(screen))

        def asked() -> dict[str, Any]:
            return {**filters.chosen(), "from_": start.isoformat(), "to": end.isoformat()}

        with element("div", "ms-row ms-no-print"):
            span_buttons(screen)
            ui.space()
            _actions(screen, asked)
        table = Pages(screen, _columns(screen), "/audit", asked, "audit.none")
        filters.then(table.load)
        await table.load()


def _outcomes(screen: Screen) -> dict[str, str]:
    return {each: screen.text(f"outcome.{each}") for each in OUTCOMES}


def _actions(screen: Screen, asked: Any) -> None:
    async def export() -> None:
        content = await screen.api.raw("/audit", "text/csv", excel=True, limit=EXPORTED, **asked())
        ui.download(content, "audit.csv")

    async def verify() -> None:
        found = await screen.api.get("/audit/verification")
        sign = "✓" if found["is_whole"] else "✗"
        key = "audit.whole" if found["is_whole"] else "audit.broken"
        verdict.text = f"{sign} {screen.text(key, count=screen.formats.number(found['sealed_through']))}"
        reasons.text = "; ".join(f"{each['kind']} {each['number']}" for each in found["findings"])

    verdict = attributed(words("span", ""), role="status")
    reasons = words("span", "", "ms-uncertain")
    side_button(screen.text("audit.export"), export, "download")
    side_button(screen.text("audit.verify"), verify, "verified_user")


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _action(screen: Screen, code: str) -> str:
    noun, _, verb = code.partition(".")
    said = screen.text.maybe(f"audit_noun.{noun}", noun)
    if not verb:
        return said
    return screen.text("audit.action_said", noun=said, verb=screen.text.maybe(f"audit_verb.{verb}", verb))


def _columns(screen: Screen) -> list[Column]:
    formats = screen.formats

    def who(item: Mapping[str, Any]) -> None:
        words("div", item["who"], "ms-figure")
        words("div", item["via"] or "", "ms-muted ms-code ms-figure")

    def action(item: Mapping[str, Any]) -> None:
        words("div", _action(screen, item["action"]))
        words("div", item["action"], "ms-muted ms-code ms-figure")

    def outcome(item: Mapping[str, Any]) -> None:
        weight = "" if item["outcome"] == "done" else " ms-strong"
        words("span", screen.text(f"outcome.{item['outcome']}"), f"ms-figure{weight}")

    def detail(item: Mapping[str, Any]) -> None:
        shown = "; ".join(f"{name}: {_said(value)}" for name, value in (item["detail"] or {}).items())
        cut = shown if len(shown) <= DETAIL_SHOWN else shown[:DETAIL_SHOWN] + "…"
        attributed(words("span", cut, "ms-code"), title=shown if cut != shown else None)

    def number(item: Mapping[str, Any]) -> None:
        sealed = formats.number(item["number"]) if item["number"] else screen.text("audit.unsealed")
        attributed(words("span", sealed, "ms-figure"), title=item["hash"])

    return [
        Column(screen.text("audit.number"), number),
        Column(screen.text("audit.at"), lambda item: words("span", formats.instant(item["at"]), "ms-figure")),
        Column(screen.text("audit.who"), who),
        Column(screen.text("audit.address"), lambda item: words("span", item["address"] or "–", "ms-figure")),
        Column(screen.text("audit.did"), action),
        Column(screen.text("audit.subject"), lambda item: words("span", item["subject"] or "–", "ms-break")),
        Column(screen.text("audit.outcome"), outcome),
        Column(screen.text("audit.detail"), detail),
    ]


PAGE = Page("audit", "/audit", "fact_check", Section.ADMINISTER, Permission.AUDIT, build)
