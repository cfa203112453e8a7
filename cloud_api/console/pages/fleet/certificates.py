"""Certificates of an agent: the days that are left, told by shape and number; and the configuration it reports."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.parts.table import Column, show_rows, show_table
from cloud_api.console.screen import Screen

_SIGNS = {"valid": "●", "soon": "◆", "urgent": "▲", "ended": "■", "unreadable": "■"}


def first_to_end(screen: Screen, certificates: Sequence[Mapping[str, Any]]) -> None:
    """The one that somebody has to see to first, for a list of agents."""
    if not certificates:
        words("span", "–", "ms-muted")
        return
    standing_mark(screen, certificates[0])


def standing_mark(screen: Screen, certificate: Mapping[str, Any]) -> None:
    """A shape, the days, and what that means; only what wants attention has a colour."""
    standing, days = certificate["standing"], certificate["days"]
    counted = "" if days is None else screen.text("fleet.days_ago" if days < 0 else "fleet.days", count=abs(days))
    meaning = "" if standing == "valid" else screen.text(f"certificate_standing.{standing}")
    told = screen.text("fleet.and").join(part for part in (counted, meaning) if part)
    concern = "ms-figure" if standing == "valid" else "ms-figure ms-uncertain ms-strong"
    words("span", f"{_SIGNS.get(standing, '◆')} {told}", concern, data_standing=standing)


def show_certificates(screen: Screen, certificates: Sequence[Mapping[str, Any]]) -> None:
    """All of one agent, by what is to be seen to first."""
    formats = screen.formats

    def used(item: Mapping[str, Any]) -> None:
        words("span", screen.text.maybe(f"certificate_use.{item['use']}", item["use"]))

    def end(item: Mapping[str, Any]) -> None:
        words("span", formats.instant(item["not_after"], seconds=False), "ms-figure")

    def standing(item: Mapping[str, Any]) -> None:
        standing_mark(screen, item)
        if item["error"]:
            words("div", item["error"], "ms-break ms-muted")

    columns = [
        Column(screen.text("fleet.certificate"), used),
        Column(screen.text("fleet.ends"), end),
        Column(screen.text("fleet.left"), standing),
        Column(screen.text("fleet.devices"), lambda item: words("span", _devices(screen, item["devices"]), "ms-break")),
    ]
    with element("section", "ms-card"):
        heading(screen.text("fleet.certificates"))
        if not certificates:
            ui.label(screen.text("fleet.no_certificates")).classes("ms-muted")
            return
        with element("div", "ms-scroll", tabindex=0, role="region", aria_label=screen.text("fleet.certificates")):
            body = show_table(columns)
        with body:
            show_rows(columns, certificates)


def show_configuration(screen: Screen, agent: Mapping[str, Any]) -> None:
    """What the agent says it runs. That is all there is: nobody can send it another from here yet."""
    formats, reported = screen.formats, agent["configuration"]
    with element("section", "ms-card"):
        heading(screen.text("fleet.configuration_of"))
        if reported is None:
            ui.label(screen.text("fleet.not_reported")).classes("ms-muted")
        else:
            kinds = ", ".join(f"{count} {kind}" for kind, count in reported["kinds"].items())
            facts = (
                ("reported_devices", f"{formats.number(reported['devices'])} ({kinds})" if kinds else "0"),
                ("reported_tags", formats.number(reported["tags"])),
                ("reported_files", formats.number(reported["files"])),
                ("written", formats.instant(reported["written_at"])),
                ("digest", reported["digest"]),
            )
            with element("dl", "ms-facts"):
                for key, value in facts:
                    words("dt", screen.text(f"fleet.{key}"))
                    words("dd", value, "ms-figure ms-break")
        ui.label(screen.text("fleet.none_desired")).classes("ms-muted")


def _devices(screen: Screen, devices: Sequence[str]) -> str:
    return ", ".join(devices) if devices else screen.text("fleet.for_broker")
