"""What has changed since the shift began, beside the shift before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from nicegui import ui

from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.parts.priority import PRIORITIES, priority_mark
from cloud_api.console.screen import Screen

MOST = 10_000
TOP = 5
SET_ASIDE = ("shelve", "out_of_service", "retire")


async def show_shift(screen: Screen) -> None:
    """Show it."""
    start, before = shift_bounds(screen, screen.now(), screen.site["shifts"])
    found = await screen.api.get("/alarms/journal", from_=before.isoformat(), limit=MOST)
    entries = [each for each in found["items"] if not each["late"]]
    now = [each for each in entries if datetime.fromisoformat(each["at"]) >= start]
    last = [each for each in entries if datetime.fromisoformat(each["at"]) < start]
    with element("section", "ms-card"):
        heading(screen.text("overview.shift", at=screen.formats.when(start, screen.now())))
        _raised(screen, now, last)
        _frequent(screen, now)
        _set_aside(screen, now)
        with element("a", href=screen.address("/handover", range="8h")):
            ui.label(screen.text("page.handover"))


def shift_bounds(screen: Screen, now: datetime, starts: Sequence[str]) -> tuple[datetime, datetime]:
    """When the present shift began, and the one before it, by the clock of the reader's zone."""
    local = now.astimezone(screen.formats.zone)
    instants: list[datetime] = []
    for days in range(-2, 1):
        day = local + timedelta(days=days)
        for start in starts:
            hour, _, minute = start.partition(":")
            instants.append(day.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0))
    past = sorted(instant for instant in instants if instant <= local)
    return past[-1], past[-2]


def _raised(screen: Screen, now: Sequence[Mapping[str, Any]], last: Sequence[Mapping[str, Any]]) -> None:
    counts, before = (Counter(each["priority"] for each in part if each["event"] == "raise") for part in (now, last))
    with element("div", "ms-row ms-report-figures"):
        for priority in PRIORITIES:
            with element("div", "ms-row ms-tight"):
                priority_mark(screen.text, priority)
                shown = screen.text(
                    "overview.raised",
                    count=screen.formats.number(counts[priority]),
                    before=screen.formats.number(before[priority]),
                )
                ui.label(shown).classes("ms-figure")


def _frequent(screen: Screen, now: Sequence[Mapping[str, Any]]) -> None:
    raised = Counter((each["path"], each["name"]) for each in now if each["event"] == "raise")
    if not raised:
        return
    heading(screen.text("handover.frequent"), 3)
    with element("table", "ms-table"), element("tbody"):
        for (path, name), count in raised.most_common(TOP):
            with element("tr"):
                words("td", screen.formats.number(count), "ms-figure")
                words("td", name or "")
                words("td", " / ".join(path.split("/")[-3:]), "ms-muted", title=path)


def _set_aside(screen: Screen, now: Sequence[Mapping[str, Any]]) -> None:
    aside = [each for each in now if each["event"] in SET_ASIDE][:TOP]
    if not aside:
        return
    heading(screen.text("overview.set_aside"), 3)
    with element("table", "ms-table"), element("tbody"):
        for entry in aside:
            with element("tr"):
                words("td", screen.formats.when(entry["recorded_at"], screen.now()), "ms-figure")
                words("td", screen.text.maybe(f"event.{entry['event']}", entry["event"]))
                words("td", entry["name"] or entry["path"])
                words("td", f"{entry['who']}: {entry['comment'] or ''}")
