"""What is missing of an asset in a span: how much for which reason, and the longest holes of each series."""

from datetime import datetime, timedelta
from typing import Any

from nicegui import ui

from cloud_api.console.parts.html import element, words
from cloud_api.console.screen import Screen

SHOWN = 60
OF_EACH = 5
SERIES = 500
USUAL = timedelta(hours=24)


async def show_holes(screen: Screen) -> None:
    """Show the sums and the holes."""
    begin, end = _span(screen)
    asset = screen.query.get("asset") or None
    where = asset or screen.text("quality_page.everything")
    ui.label(f"{where} · {screen.formats.instant(begin)} – {screen.formats.instant(end)}").classes("ms-muted")
    answer = await screen.api.get(
        "/completeness",
        asset=asset,
        from_=begin.isoformat(),
        to=end.isoformat(),
        holes=OF_EACH,
        limit=SERIES,
    )
    holes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (item, hole) for item in answer["items"] for hole in item["holes"] or []
    ]
    holes.sort(key=lambda each: _length(each[1]), reverse=True)
    _sums(screen, answer)
    if not holes:
        ui.label(screen.text("quality_page.complete"))
        return
    with element("div", "mq-scroll", tabindex=0, role="region", aria_label=screen.text("quality_page.holes")):
        _table(screen, holes[:SHOWN])
    if len(holes) > SHOWN or answer["next"]:
        ui.label(screen.text("quality_page.longest", count=SHOWN)).classes("ms-muted")


def _span(screen: Screen) -> tuple[datetime, datetime]:
    try:
        begin, end = (datetime.fromisoformat(screen.query[name]) for name in ("begin", "end"))
    except (KeyError, ValueError):
        now = screen.now()
        return now - USUAL, now
    return begin, end


def _length(hole: dict[str, Any]) -> float:
    return (datetime.fromisoformat(hole["to_at"]) - datetime.fromisoformat(hole["from_at"])).total_seconds()


def _shown_length(screen: Screen, seconds: float) -> str:
    return screen.formats.number(seconds, 2, "s") if seconds < 10 else screen.formats.length(seconds)


def _sums(screen: Screen, answer: dict[str, Any]) -> None:
    total = answer["total"]
    if total is None or total["percent"] is None:
        return
    with element("dl", "ms-facts"):
        words("dt", screen.text("quality_page.covered"))
        words("dd", f"{total['percent']:.3f} %")
        for each in total["reasons"]:
            blame = screen.text.maybe(f"blame.{each['blame'] or 'none'}", str(each["blame"]))
            reason = screen.text.maybe(f"reason.{each['reason']}", each["reason"])
            words("dt", f"{reason} ({blame})")
            words("dd", f"{screen.formats.length(each['missing_s'])} · {each['holes']:,}")


def _table(screen: Screen, holes: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    with (
        element("div", "ms-scroll", tabindex=0, role="region", aria_label=screen.text("filters.list")),
        element("table", "ms-table"),
    ):
        with element("thead"), element("tr"):
            for title in (
                screen.text("quality_page.series"),
                screen.text("quality_page.begin"),
                screen.text("quality_page.length"),
                screen.text("quality_page.why"),
                screen.text("quality_page.blame"),
            ):
                words("th", title, scope="col")
        with element("tbody"):
            for item, hole in holes:
                with element("tr"):
                    with element("td"):
                        target = screen.address("/trends", series=item["path"], at=hole["from_at"])
                        words("a", item["path"], href=target)
                    words("td", screen.formats.instant(hole["from_at"]))
                    words("td", _shown_length(screen, _length(hole)))
                    words("td", screen.text.maybe(f"reason.{hole['reason']}", hole["reason"]))
                    words("td", screen.text.maybe(f"blame.{hole['blame'] or 'none'}", str(hole["blame"])))
