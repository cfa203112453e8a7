"""One agent: what it says of itself, what has arrived, what is missing and whose fault that is, and its successor."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.formats import Formats
from cloud_api.console.pages.fleet.certificates import show_certificates, show_configuration
from cloud_api.console.pages.fleet.listing import show_backlog, state_mark
from cloud_api.console.parts.ask import ask
from cloud_api.console.parts.buttons import side_button
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.parts.safely import show_safely
from cloud_api.console.parts.span import read_span, span_buttons
from cloud_api.console.parts.table import Column, Pages, show_rows, show_table
from cloud_api.console.screen import Screen

AGENTS_READ = 1000
GAPS_SHOWN = 20


async def show_agent(screen: Screen, name: str) -> None:
    """Build the page of one agent."""
    found = await screen.api.get("/agents", limit=AGENTS_READ)
    agent = next((each for each in found["items"] if each["id"] == name), None)
    with element("div", "ms-row ms-no-print"), element("a", href=screen.address(screen.page.address)):
        ui.label(screen.text("fleet.back"))
    if agent is None:
        ui.label(screen.text("fleet.gone", agent=name))
        return
    _facts(screen, agent)
    _devices(screen, agent["devices"])
    show_certificates(screen, agent["certificates"])
    show_configuration(screen, agent)
    span_buttons(screen)
    stretch = read_span(screen)
    await show_safely(screen, partial(_account, agent=name, stretch=stretch))
    await show_safely(screen, partial(_delivery, agent=name, stretch=stretch))
    await _gaps(screen, name, stretch)
    if screen.may(Permission.CONFIGURE):
        _take_over(screen, agent, [each["id"] for each in found["items"] if each["id"] != name])


def _facts(screen: Screen, agent: Mapping[str, Any]) -> None:
    formats, now = screen.formats, screen.now()
    with element("section", "ms-card"):
        heading(agent["id"])
        with element("dl", "ms-facts"):
            words("dt", screen.text("fleet.state"))
            with element("dd"):
                state_mark(screen, agent["status"])
            words("dt", screen.text("fleet.backlog"))
            with element("dd"):
                show_backlog(screen, agent["backlog"])
            cpu = "–" if agent["cpu_percent"] is None else formats.percent(agent["cpu_percent"] / 100)
            facts = (
                ("seen", formats.ago(agent["last_seen_at"], now)),
                ("version", agent["version"] or "–"),
                ("configuration", agent["config_revision"] or "–"),
                ("began", formats.instant(agent["boot_at"])),
                ("first", formats.instant(agent["first_seen_at"])),
                ("cpu", cpu),
                ("memory", formats.size(agent["rss_bytes"])),
            )
            for key, value in facts:
                words("dt", screen.text(f"fleet.{key}"))
                words("dd", value, "ms-figure")
            if agent["replaced_by"]:
                words("dt", screen.text("fleet.replaced_by"))
                words("dd", agent["replaced_by"])


def _devices(screen: Screen, devices: list[Mapping[str, Any]]) -> None:
    formats, now = screen.formats, screen.now()

    def state(item: Mapping[str, Any]) -> None:
        state_mark(screen, item["state"])
        if item["error"]:
            words("div", item["error"], "ms-break ms-uncertain")

    def tags(item: Mapping[str, Any]) -> None:
        delivering, configured = formats.number(item["delivering_tags"]), formats.number(item["configured_tags"])
        words("span", f"{delivering} / {configured}", "ms-figure")

    def shown(text: str) -> None:
        words("span", text, "ms-figure")

    columns = [
        Column(screen.text("fleet.device"), lambda item: words("span", item["name"])),
        Column(screen.text("fleet.state"), state),
        Column(screen.text("fleet.since"), lambda item: shown(_length(formats, item["since_at"], now))),
        Column(screen.text("fleet.last_sample"), lambda item: shown(formats.ago(item["last_sample_at"], now))),
        Column(screen.text("fleet.complete_until"), lambda item: shown(formats.when(item["until_at"], now))),
        Column(screen.text("fleet.tags"), tags),
        Column(screen.text("fleet.overruns"), lambda item: shown(formats.number(item["overruns"]))),
        Column(screen.text("fleet.jitter"), lambda item: shown(formats.number(item["jitter_ms"], 1, "ms"))),
    ]
    with element("section", "ms-card"):
        heading(screen.text("fleet.devices"))
        with element("div", "ms-scroll", tabindex=0, role="region", aria_label=screen.text("fleet.devices")):
            body = show_table(columns)
        with body:
            show_rows(columns, devices)


async def _account(screen: Screen, agent: str, stretch: tuple[datetime, datetime]) -> None:
    """Completeness, and at whose door each missing second lies."""
    start, end = stretch
    found = await screen.api.get(
        "/completeness", agent=agent, from_=start.isoformat(), to=end.isoformat(), group="agent", holes=0
    )
    total, formats = found["total"], screen.formats
    with element("section", "ms-card"):
        heading(screen.text("fleet.account"))
        share = "–" if total["percent"] is None else formats.percent(total["percent"] / 100, 2)
        words("div", share, "ms-large", data_figure="completeness")
        told = screen.text(
            "fleet.account_of",
            series=formats.number(total["series"]),
            missing=formats.length(total["missing_s"]),
            expected=formats.length(total["expected_s"]),
        )
        ui.label(told).classes("ms-muted")
        columns = [
            Column(screen.text("fleet.reason"), lambda item: words("span", _word(screen, "reason", item["reason"]))),
            Column(screen.text("fleet.blame"), lambda item: words("span", _word(screen, "blame", item["blame"]))),
            Column(screen.text("fleet.holes"), lambda item: words("span", formats.number(item["holes"]), "ms-figure")),
            Column(
                screen.text("fleet.missing"),
                lambda item: words("span", formats.length(item["missing_s"]), "ms-figure"),
            ),
        ]
        if total["reasons"]:
            with element("div", "ms-scroll", tabindex=0):
                body = show_table(columns)
            with body:
                show_rows(columns, sorted(total["reasons"], key=lambda each: -each["missing_s"]))


async def _delivery(screen: Screen, agent: str, stretch: tuple[datetime, datetime]) -> None:
    """The proof: each batch the agent has numbered is stored, rejected, declared lost or open."""
    start, end = stretch
    path = f"/agents/{agent}/delivery"
    found = await screen.api.get(path, from_=start.isoformat(), to=end.isoformat())
    known = screen.formats.local(found["known_until"])
    if known and start < known < end:
        # Of the last seconds nobody can know yet: what can be proved is proved.
        found = await screen.api.get(path, from_=start.isoformat(), to=known.isoformat())
    formats = screen.formats
    with element("section", "ms-card"):
        heading(screen.text("fleet.delivery"))
        sign = {"complete": "✓", "declared_lost": "✗"}.get(found["verdict"], "…")
        verdict = screen.text(f"verdict.{found['verdict']}")
        words("div", f"{sign} {verdict}", "ms-large")
        with element("dl", "ms-facts"):
            for key in ("stored", "rejected", "lost", "open"):
                words("dt", screen.text(f"fleet.batches_{key}"))
                words("dd", formats.number(found[key]), "ms-figure")
            words("dt", screen.text("fleet.known_until"))
            words("dd", formats.instant(found["known_until"]), "ms-figure")
        if found["why"]:
            ui.label(found["why"]).classes("ms-muted")


async def _gaps(screen: Screen, agent: str, stretch: tuple[datetime, datetime]) -> None:
    start, end = stretch
    formats = screen.formats
    columns = [
        Column(screen.text("fleet.from"), lambda item: words("span", formats.instant(item["from_at"]), "ms-figure")),
        Column(screen.text("fleet.to"), lambda item: words("span", formats.instant(item["to_at"]), "ms-figure")),
        Column(screen.text("fleet.device"), lambda item: words("span", item["device"] or "–")),
        Column(screen.text("fleet.reason"), lambda item: words("span", _word(screen, "reason", item["reason"]))),
    ]
    with element("section", "ms-card"):
        heading(screen.text("fleet.gaps"))
        asked = {"agent": agent, "from_": start.isoformat(), "to": end.isoformat()}
        await Pages(screen, columns, "/gaps", lambda: asked, size=GAPS_SHOWN).load()


def _take_over(screen: Screen, agent: Mapping[str, Any], others: list[str]) -> None:
    """The engineer has replaced a gateway: the new agent continues the series of the old one."""

    async def take() -> None:
        old = str(chosen.value or "")
        if not await ask(screen, screen.text("fleet.take_over_sure", old=old, new=agent["id"])):
            return
        while_online = "allow" if forced.value else "refuse"
        body = {"from": old, "while_online": while_online}
        answer = await screen.api.post(f"/agents/{agent['id']}/take-over", body)
        left = screen.text("fleet.stayed", count=len(answer["left"])) if answer["left"] else ""
        screen.done(screen.text("fleet.taken_over", count=answer["moved"]) + left)

    with element("section", "ms-card ms-no-print"):
        heading(screen.text("fleet.take_over"))
        ui.label(screen.text("fleet.take_over_about", agent=agent["id"])).classes("ms-muted")
        if not others:
            ui.label(screen.text("fleet.alone"))
            return
        with element("div", "ms-row"):
            chosen = ui.select(others, label=screen.text("fleet.old_agent"))
            chosen.props("dense outlined stack-label").classes("ms-filter")
            forced = ui.switch(screen.text("fleet.although_online"))
            side_button(screen.text("fleet.take_over_do"), take)


def _length(formats: Formats, since_at: str | None, now: datetime) -> str:
    since = formats.local(since_at)
    return "–" if since is None else formats.length((now - since).total_seconds())


def _word(screen: Screen, table: str, value: str | None) -> str:
    return "–" if value is None else screen.text.maybe(f"{table}.{value}", value)
