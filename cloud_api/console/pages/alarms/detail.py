"""One alarm: what it says, what to do, what happened around it, and the verbs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.alarms.dialogs import ask_comment, ask_order, ask_shelf
from cloud_api.console.pages.alarms.trend import show_trend
from cloud_api.console.parts.acknowledging import acknowledge_seen
from cloud_api.console.parts.html import attributed, element, heading, short_message, words
from cloud_api.console.parts.priority import priority_mark, state_word
from cloud_api.console.parts.safely import show_safely
from cloud_api.console.screen import Screen
from cloud_api.console.watch import Standing

HISTORY = 30
# Beside the changes that are told at once.
EVERY_S = 5.0


async def show_detail(screen: Screen, alarm_id: str, close: Callable[[], None]) -> None:
    """Show one alarm and keep it fresh."""
    detail = _Detail(screen, alarm_id, close)
    await detail.refresh()
    detail.follow()


class _Detail:
    """The panel of one alarm; each part is built anew only when what it shows has changed."""

    def __init__(self, screen: Screen, alarm_id: str, close: Callable[[], None]) -> None:
        self._screen, self._id, self._close = screen, alarm_id, close
        self._alarm: dict[str, Any] = {}
        self._told: dict[str, object] = {}
        self._refreshing = asyncio.Lock()
        self._places = {name: element("div") for name in ("head", "verbs", "guidance", "trend", "facts", "history")}

    def follow(self) -> None:
        """Refresh when something has changed."""
        screen = self._screen

        def tell(_standing: Standing) -> None:
            if not self._is_gone and not self._refreshing.locked():
                screen.soon(self.refresh)

        leave = screen.watch.follow(screen.api, "\n".join(screen.me["reach"]), tell)
        screen.client.on_delete(leave)
        screen.every(EVERY_S, self.refresh)

    @property
    def _is_gone(self) -> bool:
        return self._places["head"].is_deleted

    async def refresh(self) -> None:
        """Read the alarm and show what is new."""
        async with self._refreshing:
            alarm: dict[str, Any] = await self._screen.api.get(f"/alarms/{self._id}")
            if self._is_gone or alarm["version"] == self._alarm.get("version"):
                return
            self._alarm = alarm
            self._part("head", (alarm["message_en"], alarm["priority"], alarm["state"]), self._head)
            memories = ("acknowledged", "state", "shelving", "out_of_service")
            self._part("verbs", [alarm[name] for name in memories], self._verbs)
            self._part("guidance", alarm["guidance"], self._guidance)
            self._part("facts", alarm["version"], self._facts)
            ui.run_javascript("window.msAlarms?.regain()")
            await self._late_part("trend", alarm["raised_at"], self._trend)
            await self._late_part("history", alarm["version"], self._history)

    def _part(self, name: str, told: object, build: Callable[[dict[str, Any]], None]) -> None:
        if self._is_new(name, told):
            with self._places[name]:
                build(self._alarm)

    async def _late_part(self, name: str, told: object, build: Callable[[Screen], Awaitable[None]]) -> None:
        if not self._is_gone and self._is_new(name, told):
            with self._places[name]:
                await show_safely(self._screen, build)

    def _is_new(self, name: str, told: object) -> bool:
        if name in self._told and self._told[name] == told:
            return False
        self._told[name] = told
        self._places[name].clear()
        return True

    async def _trend(self, screen: Screen) -> None:
        if self._alarm["series_id"] is not None:
            with element("section"):
                heading(screen.text("alarms.trend"), 3)
                await show_trend(screen, self._alarm)

    def _head(self, alarm: dict[str, Any]) -> None:
        screen = self._screen
        with element("div", "ms-row ms-tight"):
            priority_mark(screen.text, alarm["priority"])
            ui.label(screen.text(f"priority.{alarm['priority']}"))
            ui.label(state_word(screen.text, alarm["state"])).classes("ms-muted")
            ui.space()
            away = ui.button(icon="close", on_click=self._close).props("flat dense round")
            attributed(away, aria_label=screen.text("alarms.close"))
        heading(short_message(alarm["message_zh" if screen.is_chinese else "message_en"], alarm["path"]))
        ui.label(alarm["path"]).classes("ms-muted ms-path")

    def _verbs(self, alarm: dict[str, Any]) -> None:
        screen, text = self._screen, self._screen.text
        with element("div", "ms-row ms-verbs"):
            if screen.may(Permission.OPERATE):
                if not alarm["acknowledged"]:
                    self._verb(text("alarms.acknowledge"), self._acknowledge, is_first=True)
                if alarm["state"] == "latched":
                    self._verb(text("alarms.reset"), lambda: self._post("reset", {}), is_first=True)
                if alarm["shelving"] == "unshelved":
                    self._verb(text("alarms.shelve"), self._shelve)
                else:
                    self._verb(text("alarms.unshelve"), lambda: self._post("unshelve", {}))
                self._verb(text("alarms.remark"), self._remark)
            if screen.may(Permission.MAINTAIN):
                if alarm["out_of_service"]:
                    self._verb(text("alarms.return"), lambda: self._post("return", {}))
                else:
                    self._verb(text("alarms.take_out"), self._take_out)

    def _verb(self, title: str, work: Callable[[], Awaitable[None]], *, is_first: bool = False) -> None:
        if is_first:
            ui.button(title, on_click=work, color=None).props("no-caps dense unelevated").classes("ms-primary")
        else:
            ui.button(title, on_click=work).props("no-caps dense outline")

    async def _post(self, verb: str, body: dict[str, Any]) -> None:
        # Of the alarm as it is: what is shelved or spoken of is often what flutters, and no version of it lasts.
        await self._screen.api.post(f"/alarms/{self._id}/{verb}", body)
        await self.refresh()

    async def _acknowledge(self) -> None:
        seen = self._alarm
        comment = await ask_comment(self._screen, self._screen.text("alarms.acknowledge"))
        if comment is not None:
            await acknowledge_seen(self._screen, seen, comment)
            await self.refresh()

    async def _remark(self) -> None:
        comment = await ask_comment(self._screen, self._screen.text("alarms.remark"), is_needed=True)
        if comment:
            await self._post("comment", {"comment": comment})

    async def _shelve(self) -> None:
        if found := await ask_shelf(self._screen):
            await self._post("shelve", {"reason": found[0], "duration": found[1]})

    async def _take_out(self) -> None:
        if found := await ask_order(self._screen):
            await self._post("out-of-service", {"reason": found[0], "order_number": found[1]})

    def _guidance(self, alarm: dict[str, Any]) -> None:
        guidance, text = alarm["guidance"], self._screen.text
        if guidance is None:
            return
        action = guidance["action_zh" if self._screen.is_chinese else "action_en"]
        with element("section"):
            heading(text("alarms.what_to_do"), 3)
            ui.label(action or text("alarms.no_action"))
            respond = guidance["time_to_respond_s"]
            self._list(
                {
                    "cause": guidance["cause"],
                    "consequence": guidance["consequence"],
                    "response": guidance["response"],
                    "time_to_respond": None if respond is None else self._screen.formats.length(respond),
                    "owner": guidance["owner"],
                }
            )

    def _facts(self, alarm: dict[str, Any]) -> None:
        formats, now = self._screen.formats, self._screen.now()
        shelf, absence, suppression = alarm["shelf"], alarm["absence"], alarm["suppression"]
        with element("section"):
            heading(self._screen.text("alarms.facts"), 3)
            self._list(
                {
                    "name": alarm["name"],
                    "value": None if alarm["value"] is None else formats.number(alarm["value"], unit=alarm["unit"]),
                    "limit": None if alarm["limit"] is None else formats.number(alarm["limit"], unit=alarm["unit"]),
                    "raised_at": formats.when(alarm["raised_at"], now),
                    "cleared_at": formats.when(alarm["cleared_at"], now) if alarm["cleared_at"] else None,
                    "raise_count": formats.number(alarm["raise_count"]),
                    "acknowledged": _by(alarm["acknowledged_by"], formats.when(alarm["acknowledged_at"], now)),
                    "shelf": shelf and _by(f"{shelf['by']}: {shelf['reason']}", formats.when(shelf["until"], now)),
                    "absence": absence and _by(f"{absence['by']}: {absence['reason']}", absence["order_number"]),
                    "suppression": suppression and (suppression["rule"] or self._screen.text("alarms.maintenance")),
                    "position": alarm["position"],
                    "comment": alarm["comment"],
                }
            )

    def _list(self, facts: dict[str, str | None]) -> None:
        with element("dl", "ms-facts"):
            for name, value in facts.items():
                if value:
                    words("dt", self._screen.text(f"alarms.fact.{name}"))
                    words("dd", str(value))

    async def _history(self, screen: Screen) -> None:
        found = await screen.api.get("/alarms/journal", alarm=self._id, limit=HISTORY)
        with element("section"):
            heading(screen.text("alarms.history"), 3)
            with element("table", "ms-table"), element("tbody"):
                for entry in found["items"]:
                    with element("tr"):
                        words("td", screen.formats.when(entry["at"], screen.now()), "ms-figure")
                        words("td", screen.text.maybe(f"event.{entry['event']}", entry["event"]))
                        said = entry["comment"] or entry["note"] or ""
                        words("td", f"{entry['who']}: {said}" if said else entry["who"])


def _by(who: str | None, more: str | None) -> str | None:
    return None if who is None else f"{who} · {more}"
