"""The handover of a shift: what happened, what stands, what was set aside; for reading together and for paper."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.parts.priority import PRIORITIES, priority_mark, state_word
from cloud_api.console.parts.span import read_span, span_buttons
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen

SHIFT = "8h"
MOST = 10_000
MOST_OPEN = 500
SAID = frozenset({"acknowledge", "shelve", "comment", "out_of_service", "return", "unshelve", "reset", "assign"})
TOP = 10


async def build(screen: Screen) -> None:
    """Build the page."""
    start, end = read_span(screen, SHIFT)
    window = {"from_": start.isoformat(), "to": end.isoformat()}
    journal = await screen.api.get("/alarms/journal", limit=MOST, **window)
    standing = await screen.api.get("/alarms", state="listed", limit=MOST_OPEN)
    work = await screen.api.get("/maintenance", state="open")
    entries: list[dict[str, Any]] = journal["items"]
    with element("div", "ms-row ms-no-print"):
        span_buttons(screen, SHIFT)
        ui.space()
        button = ui.button(screen.text("handover.print"), icon="print", color=None).props("no-caps unelevated")
        button.classes("ms-primary").on("click", js_handler="() => window.print()")
    with element("article", "ms-card ms-report"):
        _head(screen, start, end, is_cut=journal["next"] is not None)
        _figures(screen, entries, standing["counts"])
        _table(screen, "handover.standing", [each for each in standing["items"] if _is_open(each)])
        _table(screen, "handover.aside", [each for each in standing["items"] if each["suppressed_or_shelved"]])
        _frequent(screen, entries)
        _work(screen, work["items"])
        _said(screen, [each for each in entries if each["event"] in SAID and each["who"] != "system"])
        _remarks(screen)


def _is_open(alarm: Mapping[str, Any]) -> bool:
    return not alarm["suppressed_or_shelved"]


def _head(screen: Screen, start: datetime, end: datetime, *, is_cut: bool) -> None:
    heading(screen.text("handover.title"))
    ui.label(f"{screen.formats.instant(start, seconds=False)} – {screen.formats.instant(end, seconds=False)}")
    by = screen.me.get("display_name") or screen.me["name"]
    made = screen.formats.instant(screen.now(), seconds=False)
    ui.label(screen.text("handover.made", who=by, at=made)).classes("ms-muted")
    if is_cut:
        ui.label(screen.text("handover.cut", count=screen.formats.number(MOST)))


def _figures(screen: Screen, entries: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> None:
    raised = Counter(each["priority"] for each in entries if each["event"] == "raise" and not each["late"])
    acknowledged = sum(each["event"] == "acknowledge" for each in entries)
    with element("div", "ms-row ms-report-figures"):
        for priority in PRIORITIES:
            with element("div", "ms-row"):
                priority_mark(screen.text, priority)
                ui.label(screen.text("handover.raised", count=screen.formats.number(raised[priority])))
        ui.label(screen.text("handover.acknowledged", count=screen.formats.number(acknowledged)))
        ui.label(screen.text("handover.open", count=screen.formats.number(counts["open"])))


def _table(screen: Screen, title: str, alarms: Sequence[Mapping[str, Any]]) -> None:
    heading(screen.text(title), 3)
    if not alarms:
        ui.label(screen.text("handover.none")).classes("ms-muted")
        return
    with element("table", "ms-table"), element("tbody"):
        for alarm in alarms:
            with element("tr"):
                with element("td"):
                    priority_mark(screen.text, alarm["priority"])
                words("td", screen.formats.when(alarm["annunciated_at"], screen.now()), "ms-figure")
                words("td", alarm["message_zh" if screen.is_chinese else "message_en"])
                words("td", state_word(screen.text, alarm["state"]))
                words("td", _why(screen, alarm))


def _why(screen: Screen, alarm: Mapping[str, Any]) -> str:
    shelf, absence, suppression = alarm["shelf"], alarm["absence"], alarm["suppression"]
    if shelf:
        return f"{shelf['by']}: {shelf['reason']} → {screen.formats.when(shelf['until'], screen.now())}"
    if absence:
        return f"{absence['by']}: {absence['reason']} ({absence['order_number']})"
    if suppression:
        return str(suppression["rule"] or screen.text("alarms.maintenance"))
    return str(alarm["comment"] or "")


def _frequent(screen: Screen, entries: Sequence[Mapping[str, Any]]) -> None:
    raised = Counter((each["path"], each["name"]) for each in entries if each["event"] == "raise" and not each["late"])
    heading(screen.text("handover.frequent"), 3)
    if not raised:
        ui.label(screen.text("handover.none")).classes("ms-muted")
        return
    with element("table", "ms-table"), element("tbody"):
        for (path, name), count in raised.most_common(TOP):
            with element("tr"):
                words("td", screen.formats.number(count), "ms-figure")
                words("td", name or "")
                words("td", path)


def _work(screen: Screen, maintenance: Sequence[Mapping[str, Any]]) -> None:
    if not maintenance:
        return
    heading(screen.text("handover.maintenance"), 3)
    with element("table", "ms-table"), element("tbody"):
        for each in maintenance:
            with element("tr"):
                words("td", str(each.get("device") or each.get("asset") or each.get("path")))
                words("td", each["reason"])
                words("td", screen.formats.when(each["until"], screen.now()), "ms-figure")


def _said(screen: Screen, entries: Sequence[Mapping[str, Any]]) -> None:
    heading(screen.text("handover.done"), 3)
    if not entries:
        ui.label(screen.text("handover.none")).classes("ms-muted")
        return
    with element("table", "ms-table"), element("tbody"):
        for entry in entries:
            with element("tr"):
                words("td", screen.formats.when(entry["recorded_at"], screen.now()), "ms-figure")
                words("td", entry["who"])
                words("td", screen.text.maybe(f"event.{entry['event']}", entry["event"]))
                words("td", entry["message_zh" if screen.is_chinese else "message_en"])
                words("td", entry["comment"] or "")


def _remarks(screen: Screen) -> None:
    heading(screen.text("handover.remarks"), 3)
    ui.textarea().props(f'outlined autogrow aria-label="{screen.text("handover.remarks")}"').classes("ms-wide")
    with element("div", "ms-row ms-report-signatures"):
        ui.label(screen.text("handover.from"))
        ui.label(screen.text("handover.to"))


PAGE = Page("handover", "/handover", "assignment_turned_in", Section.OPERATE, Permission.READ, build)
