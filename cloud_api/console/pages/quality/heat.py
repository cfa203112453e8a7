"""The heat map: assets beside hours or days; each cell is a link to what is missing there."""

import asyncio
from collections.abc import Sequence
from html import escape
from typing import Any

from nicegui import ui

from cloud_api.console.pages.quality.columns import Column, days, hours
from cloud_api.console.parts.html import element
from cloud_api.console.screen import Screen

AT_ONCE = 2
DEPTHS = (1, 2, 3, 4, 5, 6)
DEPTH = 4
# Names of spans, what cuts each into columns, and how many it has.
SPANS = {"24h": (hours, 24), "7d": (days, 7), "30d": (days, 30)}
# Below these shares of covered time a cell looks worse; 1.0 is complete.
WELL, FAIR = 99.9, 95.0


def columns(screen: Screen) -> list[Column]:
    """The stretches of the chosen span, in the reader's hours and days."""
    cut, count = SPANS.get(screen.query.get("span", ""), SPANS["24h"])
    return cut(screen.now(), count, screen.formats.zone)


async def show_heat(screen: Screen) -> None:
    """Show the choices and the map; its columns are asked for two at a time."""
    depth = int(screen.query.get("depth", str(DEPTH))) if screen.query.get("depth", "4").isdigit() else DEPTH
    with element("div", "ms-row"):
        for name in SPANS:
            _choice(screen, screen.text(f"quality_span.{name}"), name == screen.query.get("span", "24h"), span=name)
        ui.label(screen.text("quality_page.levels")).classes("ms-muted")
        for each in DEPTHS:
            _choice(screen, str(each), each == depth, depth=each)
        ui.label(screen.text("quality_page.legend")).classes("ms-muted")
    place = element("div", "mq-scroll", tabindex=0, role="region", aria_label=screen.text("quality_page.completeness"))
    with place:
        waiting = ui.label(screen.text("quality_page.asking")).classes("ms-muted")
    stretches = columns(screen)

    async def load() -> None:
        found = await _ask(screen, stretches, depth)
        if place.is_deleted:
            return
        waiting.delete()
        with place:
            ui.html(_table(screen, stretches, found), sanitize=False)
        # The present stands at the right end.
        ui.run_javascript(f"const map = getHtmlElement({place.id}); map.scrollLeft = map.scrollWidth;")

    ui.timer(0.01, load, once=True)


def _choice(screen: Screen, label: str, is_chosen: bool, **values: object) -> None:
    current = "true" if is_chosen else None
    link = element("a", "mq-choice", href=screen.here(**values), aria_current=current)
    with link:
        ui.label(label)


async def _ask(screen: Screen, stretches: Sequence[Column], depth: int) -> list[dict[str, dict[str, Any]]]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(column: Column) -> dict[str, dict[str, Any]]:
        async with gate:
            answer = await screen.api.get(
                "/completeness",
                from_=column.begin.isoformat(),
                to=column.end.isoformat(),
                group="asset",
                depth=depth,
                holes=0,
                limit=1_000,
            )
        return {str(item["asset"]): item for item in answer["items"]}

    return list(await asyncio.gather(*(one(column) for column in stretches)))


def _table(screen: Screen, stretches: Sequence[Column], found: Sequence[dict[str, dict[str, Any]]]) -> str:
    assets = sorted({asset for column in found for asset in column})
    if not assets:
        return f"<p class='ms-muted'>{escape(screen.text('quality_page.nothing'))}</p>"
    heads = "".join(f"<th scope='col'>{escape(column.label)}</th>" for column in stretches)
    rows = "".join(
        f"<tr><th scope='row' title='{escape(asset, quote=True)}'>{escape('/'.join(asset.split('/')[-2:]))}</th>"
        + "".join(
            _cell(screen, asset, column, cells.get(asset)) for column, cells in zip(stretches, found, strict=True)
        )
        + "</tr>"
        for asset in assets
    )
    corner = escape(screen.text("quality_page.asset"))
    head = f"<thead><tr><th scope='col'>{corner}</th>{heads}</tr></thead>"
    return f"<table class='mq-heat'>{head}<tbody>{rows}</tbody></table>"


def _cell(screen: Screen, asset: str, column: Column, item: dict[str, Any] | None) -> str:
    percent = None if item is None else item["percent"]
    if percent is None:
        return "<td class='mq-unknown'><span>·</span></td>"
    level = "well" if percent >= WELL else "fair" if percent >= FAIR else "poor"
    mark = "" if level == "well" else "▪ " if level == "fair" else "✕ "
    shown = "100" if percent >= 99.995 else f"{percent:.1f}" if percent < WELL else f"{percent:.2f}"
    target = screen.here(asset=asset, begin=column.begin.isoformat(), end=column.end.isoformat())
    label = f"{asset}, {column.label}: {percent:.2f} %"
    return (
        f"<td class='mq-{level}'><a href='{escape(target, quote=True)}' "
        f"aria-label='{escape(label, quote=True)}'>{mark}{shown}</a></td>"
    )
