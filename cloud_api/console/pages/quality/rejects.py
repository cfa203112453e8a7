"""The inbox of rejects: by agent, path and reason; looked at, mapped, replayed."""

from typing import Any

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.api import Refused
from cloud_api.console.pages.quality.replay import Replay
from cloud_api.console.parts.html import attributed, element, heading, words
from cloud_api.console.screen import Screen


async def show_rejects(screen: Screen) -> None:
    """Show the groups, and the rules that are applied by themselves."""
    place = element("div", "ms-page")

    async def refresh() -> None:
        groups = await screen.api.get("/rejects/groups", limit=200)
        place.clear()
        with place:
            _groups(screen, groups["items"], refresh)
            await _rules(screen, refresh)

    await refresh()


def _groups(screen: Screen, groups: list[dict[str, Any]], refresh: Any) -> None:
    if not groups:
        ui.label(screen.text("rejects.none"))
        return
    titles = [screen.text(f"rejects_column.{name}") for name in ("reason", "path", "agent", "samples", "when")]
    with (
        element("div", "ms-scroll", tabindex=0, role="region", aria_label=screen.text("filters.list")),
        element("table", "ms-table"),
    ):
        with element("thead"), element("tr"):
            for title in [*titles, ""]:
                words("th", title or screen.text("rejects.actions"), "" if title else "ms-hidden", scope="col")
        with element("tbody"):
            for group in groups:
                _group(screen, group, refresh)


def _group(screen: Screen, group: dict[str, Any], refresh: Any) -> None:
    formats = screen.formats
    with element("tr"):
        words("td", screen.text.maybe(f"reject_reason.{group['reason']}", group["reason"]))
        words("td", group["path"] or screen.text("rejects.whole"))
        words("td", group["agent"] or "–")
        words("td", formats.number(group["samples"]))
        words("td", f"{formats.instant(group['first_at'])} – {formats.instant(group['last_at'])}")
        with element("td"):
            if screen.may(Permission.CONFIGURE):
                label = screen.text("rejects.open")
                button = ui.button(label, on_click=lambda: Replay(screen, group, refresh).open()).props(
                    "outline no-caps"
                )
                attributed(button, aria_label=f"{label}: {group['path'] or group['reason']}")


async def _rules(screen: Screen, refresh: Any) -> None:
    try:
        rules = (await screen.api.get("/reject-rules"))["items"]
    except Refused as refused:
        if refused.kind in {"outside-reach", "role-insufficient"}:
            return
        raise
    if not rules:
        return
    heading(screen.text("rejects.rules"), 3)
    with element("ul", "mq-rules"):
        for rule in rules:
            with element("li", "ms-row"):
                mapping = ", ".join(f"{name} = {value}" for name, value in rule["mapping"].items() if value is not None)
                ui.label(f"{rule['agent']} · {rule['path']} · {rule['reason']} → {mapping}")
                ui.label(screen.text("rejects.applied", count=rule["applied"])).classes("ms-muted")
                if screen.may(Permission.CONFIGURE):
                    _forget(screen, rule, refresh)


def _forget(screen: Screen, rule: dict[str, Any], refresh: Any) -> None:
    async def forget() -> None:
        await screen.api.delete(f"/reject-rules/{rule['id']}")
        await refresh()

    button = ui.button(icon="delete", on_click=forget).props("flat dense")
    attributed(button, aria_label=f"{screen.text('rejects.forget_rule')}: {rule['path']}")
