"""The page of alarms: lists, filter and detail side by side; the address and the person's views remember them."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.alarms.detail import show_detail
from cloud_api.console.pages.alarms.dialogs import ask_comment
from cloud_api.console.pages.alarms.flood import follow_floods
from cloud_api.console.pages.alarms.groups import Groups
from cloud_api.console.pages.alarms.listing import LISTS, ORDERS, Listing, chosen_order
from cloud_api.console.parts.html import attributed, element
from cloud_api.console.parts.priority import PRIORITIES
from cloud_api.console.screen import Screen
from cloud_api.console.watch import Standing

VIEW = "alarms.filter"
NARROWING = ("priority", "q", "asset")
KEPT = ("list", "priority", "q", "sort", "asset", "group")


async def build(screen: Screen) -> None:
    """Build the page."""
    if not any(screen.query.get(name) for name in (*KEPT, "alarm")):
        screen.query.update({name: str(value) for name, value in (await screen.kept(VIEW)).items() if name in KEPT})
    page = _AlarmPage(screen)
    with element("div", "ms-fill"):
        page.show()
    page.follow()
    await follow_floods(screen, page.flood_place)
    if alarm := screen.query.get("alarm"):
        await page.open(alarm)


class _AlarmPage:
    """The parts of the page and what they say to each other."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._tabs: dict[str, ui.button] = {}
        self._counts: Mapping[str, int] = {}

    def show(self) -> None:
        """Build lists, filter, grid and the place of the detail."""
        screen = self._screen
        self.flood_place = element("div", "ms-floods")
        with element("div", "ms-row", role="group", aria_label=screen.text("alarms.lists")):
            for name in LISTS:
                button = ui.button(on_click=partial(self._choose, list=name), color=None).props("no-caps unelevated")
                self._tabs[name] = button.classes("ms-tab")
        self._filter()
        with element("div", "ms-split") as self._split:
            self._groups = Groups(screen, lambda asset: self._choose(asset=asset))
            self._listing = Listing(screen)
            self._detail = element("aside", "ms-detail ms-card", aria_label=screen.text("alarms.detail"), tabindex=-1)
            self._detail.on("keydown.escape", self.close)
            self._detail.set_visibility(False)
        self._show_tabs()
        self._show_narrowed()
        ui.on("ms-alarm", lambda event: self.open(str(event.args)))
        # The head of a column has been pressed: the choice beside the list says so, and so does the address.
        ui.on("ms-sort", lambda event: self._order.set_value(str(event.args)))

    def follow(self) -> None:
        """Refresh with every change of the journal."""
        screen = self._screen
        leave = screen.watch.follow(screen.api, "\n".join(screen.me["reach"]), self._tell)
        screen.client.on_delete(leave)

    async def open(self, alarm_id: str) -> None:
        """Show one alarm beside the list."""
        self._screen.remember(alarm=alarm_id)
        self._detail.clear()
        self._detail.set_visibility(True)
        self._split.classes("ms-split-open")
        with self._detail:
            await show_detail(self._screen, alarm_id, self.close)
        ui.run_javascript("window.msAlarms?.enter()")

    def close(self) -> None:
        """Put the detail away."""
        self._screen.remember(alarm=None)
        self._detail.clear()
        self._detail.set_visibility(False)
        self._split.classes(remove="ms-split-open")
        ui.run_javascript("msAlarms.focus()")

    def _tell(self, standing: Standing) -> None:
        if self._listing.is_deleted:
            return
        with self._screen.client:
            self._counts = standing.counts
            self._show_tabs()
            ui.run_javascript("msAlarms.refresh()")

    def _show_tabs(self) -> None:
        chosen = self._screen.query.get("list", LISTS[0])
        for name, button in self._tabs.items():
            count = self._counts.get(name)
            shown = "" if count is None else f" {self._screen.formats.number(count)}"
            button.set_text(self._screen.text(f"alarms.list.{name}") + shown)
            attributed(button, aria_pressed="true" if name == chosen else "false")

    def _filter(self) -> None:
        screen, text = self._screen, self._screen.text
        names = {each: text(f"priority.{each}") for each in PRIORITIES}
        chosen = [each for each in screen.query.get("priority", "").split(",") if each in PRIORITIES]
        orders = {each: text(f"alarms.sort.{each}") for each in ORDERS}
        with element("div", "ms-row ms-no-print"):
            words = ui.input(text("alarms.words"), value=screen.query.get("q", "")).props("dense outlined clearable")
            words.on_value_change(lambda event: self._choose(q=event.value)).props("debounce=400").classes("ms-words")
            ui.select(
                names,
                label=text("alarms.priority"),
                value=chosen,
                multiple=True,
                on_change=lambda event: self._choose(priority=",".join(event.value)),
            ).props("dense outlined").classes("ms-select")
            self._order = ui.select(
                orders,
                label=text("alarms.order"),
                value=chosen_order(screen),
                on_change=lambda event: self._choose(sort=event.value),
            )
            self._order.props("dense outlined").classes("ms-select")
            ui.switch(
                text("alarms.group"),
                value=screen.query.get("group") == "1",
                on_change=lambda event: self._choose(group="1" if event.value else None),
            )
            self._narrowed = ui.button(
                text("alarms.show_all"), icon="filter_alt_off", on_click=self._show_all, color=None
            )
            self._narrowed.props("no-caps unelevated dense").classes("ms-narrowed")
            ui.space()
            if screen.may(Permission.OPERATE):
                ui.button(text("alarms.acknowledge_chosen"), icon="done", on_click=self._acknowledge_chosen).props(
                    "no-caps outline dense"
                )
                ui.button(text("alarms.acknowledge_shown"), icon="done_all", on_click=self._acknowledge_shown).props(
                    "no-caps outline dense"
                )

    def _show_narrowed(self) -> None:
        """A filter that somebody forgot must not hide an alarm without a word."""
        self._narrowed.set_visibility(any(self._screen.query.get(name) for name in NARROWING))

    async def _show_all(self) -> None:
        await self._screen.keep(VIEW, {})
        ui.navigate.to(self._screen.here(**dict.fromkeys(NARROWING)))

    async def _choose(self, **choices: Any) -> None:
        self._screen.remember(**choices)
        self._show_narrowed()
        query = self._screen.query
        await self._screen.keep(VIEW, {name: query[name] for name in KEPT if name in query})
        self._show_tabs()
        await self._groups.refresh()
        self._listing.refilter()

    async def _acknowledge_chosen(self) -> None:
        rows = await self._listing.chosen()
        if not rows:
            self._screen.warn(self._screen.text("alarms.nothing_chosen"))
            return
        body = {"ids": [{"id": row["id"], "version": row["version"]} for row in rows]}
        await self._acknowledge(body, len(rows))

    async def _acknowledge_shown(self) -> None:
        wanted, as_of, total = await self._listing.shown()
        if not total:
            self._screen.warn(self._screen.text("alarms.nothing_shown"))
            return
        await self._acknowledge({"filter": wanted | {"before": as_of}}, total)

    async def _acknowledge(self, body: dict[str, Any], count: int) -> None:
        screen = self._screen
        comment = await ask_comment(screen, screen.text("alarms.acknowledge_many", count=screen.formats.number(count)))
        if comment is None:
            return
        answer = await screen.api.post("/alarms/acknowledge", body | ({"comment": comment} if comment else {}))
        screen.done(screen.text("alarms.acknowledged", count=screen.formats.number(answer["acknowledged"])))
        if answer["version_conflict"]:
            screen.warn(screen.text("alarms.overtaken", count=screen.formats.number(answer["version_conflict"])))
        ui.run_javascript("msAlarms.deselect()")
