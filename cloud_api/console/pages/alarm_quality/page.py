"""The page: one operator position at a time, for a plant-wide rate would hide the load of one."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from cloud_api.console.pages.alarm_quality.floods import show_floods
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.parts.priority import PRIORITIES, priority_mark
from cloud_api.console.parts.span import read_span, span_buttons
from cloud_api.console.parts.table import Column, show_rows, show_table, told
from cloud_api.console.screen import Screen

SIGNS = {"good": "✓", "manageable": "!", "exceeded": "✗", "no_alarms": "–"}
LISTS = ("bad_actors", "chattering", "fleeting", "standing")


async def build(screen: Screen) -> None:
    """Build the page."""
    start, end = read_span(screen, "30d")
    zone = str(screen.formats.zone)
    found = await screen.api.get("/alarms/kpi", from_=start.isoformat(), to=end.isoformat(), zone=zone)
    positions: list[Mapping[str, Any]] = found["positions"]
    span_buttons(screen, "30d")
    if not positions:
        ui.label(screen.text("alarm_quality.none"))
        return
    chosen = next((each for each in positions if each["position"] == screen.query.get("position")), _worst(positions))
    _positions(screen, positions, chosen)
    if found["is_indicative"]:
        ui.label(screen.text("alarm_quality.indicative")).classes("ms-muted")
    _figures(screen, chosen)
    show_floods(screen, chosen["floods"], start, end)
    for name in LISTS:
        _alarms(screen, name, chosen[name])
    _priorities(screen, chosen["priorities"])


def _worst(positions: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return max(positions, key=lambda each: each["annunciated"])


def _positions(screen: Screen, positions: list[Mapping[str, Any]], chosen: Mapping[str, Any]) -> None:
    with element("nav", "ms-row ms-no-print", aria_label=screen.text("alarm_quality.position")):
        for each in positions:
            is_here = each is chosen
            name = each["position"] or screen.text("alarm_quality.no_position")
            exceeded = sum(kpi["verdict"] == "exceeded" for kpi in each["kpis"])
            with element(
                "a",
                "ms-action ms-chosen" if is_here else "ms-action",
                href=screen.here(position=each["position"]),
                aria_current="true" if is_here else None,
            ):
                ui.label(screen.text("alarm_quality.position_of", name=name, count=exceeded))


def _figures(screen: Screen, position: Mapping[str, Any]) -> None:
    number = screen.formats.number

    def figure(value: float | None, unit: str) -> str:
        shown_unit = "%" if unit == "%" else None
        if not value:
            return number(value, 0, shown_unit)
        # A flood in a month is little, but it is not nothing.
        return number(float(value), (1 if abs(value) >= 1 else 2) if value % 1 else 0, shown_unit)

    def target(item: Mapping[str, Any]) -> None:
        words("span", screen.text(f"rule.{item['rule']}", value=figure(item["target"], item["unit"])), "ms-figure")

    def limit(item: Mapping[str, Any]) -> None:
        words("span", "–" if item["limit"] is None else figure(item["limit"], item["unit"]), "ms-figure")

    def verdict(item: Mapping[str, Any]) -> None:
        name = screen.text(f"kpi_verdict.{item['verdict']}")
        words(
            "span",
            f"{SIGNS[item['verdict']]} {name}",
            "ms-uncertain ms-strong" if item["verdict"] == "exceeded" else "",
        )

    columns = [
        Column(screen.text("alarm_quality.figure"), lambda item: words("span", screen.text(f"kpi.{item['kpi']}"))),
        told(screen.text("alarm_quality.value"), lambda item: figure(item["value"], item["unit"])),
        Column(screen.text("alarm_quality.target"), target),
        Column(screen.text("alarm_quality.limit"), limit),
        Column(screen.text("alarm_quality.verdict"), verdict),
    ]
    with element("section", "ms-card"):
        heading(screen.text("alarm_quality.figures"))
        counts = {key: number(position[key]) for key in ("annunciated", "annunciated_alarms", "hidden")}
        counted = screen.text("alarm_quality.counted", **counts)
        ui.label(counted).classes("ms-muted")
        with element("div", "ms-scroll", tabindex=0, role="region", aria_label=screen.text("alarm_quality.figures")):
            body = show_table(columns)
        with body:
            show_rows(columns, position["kpis"])


def _alarms(screen: Screen, name: str, alarms: list[Mapping[str, Any]]) -> None:
    most = max((each["count"] for each in alarms), default=1)

    def definition(item: Mapping[str, Any]) -> None:
        target = screen.address("/definitions", id=item["definition"])
        with element("a", href=f"{target}#trial"):
            ui.label(item["name"] or screen.text("alarm_quality.unnamed"))

    def place(item: Mapping[str, Any]) -> None:
        with element("a", href=screen.address("/alarms", alarm=item["alarm"])):
            words("span", item["path"], "ms-break")

    def count(item: Mapping[str, Any]) -> None:
        shown = screen.formats.number(item["count"])
        if item["share"] is not None:
            shown += f" ({item['share']:.1f} %)"
        with element("div", "ms-bar-place"):
            element("span", "ms-bar", aria_hidden="true").style(f"width: {100 * item['count'] / most:.1f}%")
            words("span", shown, "ms-figure")

    with element("section", "ms-card"):
        heading(screen.text(f"alarm_quality_list.{name}"))
        if not alarms:
            ui.label(screen.text("alarm_quality.clean")).classes("ms-muted")
            return
        columns = [
            Column(screen.text("alarm_quality.definition"), definition),
            Column(screen.text("alarm_quality.place"), place),
            Column(screen.text(f"alarm_quality_count.{name}"), count, "ms-bar-cell"),
        ]
        with element(
            "div", "ms-scroll", tabindex=0, role="region", aria_label=screen.text(f"alarm_quality_list.{name}")
        ):
            body = show_table(columns)
        with body:
            show_rows(columns, alarms)


def _priorities(screen: Screen, counts: Mapping[str, int]) -> None:
    with element("section", "ms-card"):
        heading(screen.text("alarm_quality.priorities"))
        with element("div", "ms-row ms-grey"):
            for each in PRIORITIES:
                priority_mark(screen.text, each)
                ui.label(f"{screen.text(f'priority.{each}')}: {screen.formats.number(counts.get(each, 0))}")
