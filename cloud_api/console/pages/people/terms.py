"""The terms of a share, and what they mean now, as its owner reads them."""

from collections.abc import Mapping
from typing import Any

from cloud_api.console.parts.form import shown
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.screen import Screen


def show_terms(screen: Screen, share: Mapping[str, Any]) -> None:
    """Who may read what of which time, and what that means now."""
    terms, text, formats = share["terms"], screen.text, screen.formats
    window = terms["window"]
    counted = [text(f"priority.{each}") for each in (terms["alarms"] or {}).get("priorities", ())]
    facts = (
        ("provider", terms["provider"]),
        ("recipient", terms["recipient"]),
        ("purpose", terms["purpose_zh" if screen.is_chinese else "purpose_en"]),
        ("floor", terms["floor"]),
        ("time_zone", terms["time_zone"] or "UTC"),
        ("from", formats.instant(window["from"])),
        ("to", formats.instant(window["to"])),
        ("last_days", formats.number(window["last_days"])),
        ("settle_minutes", formats.number(terms["settle_minutes"])),
        ("least_samples", formats.number(terms["least_samples"])),
        ("per_day", formats.number(terms["budget"]["rows_per_day"])),
        ("in_all", formats.number(terms["budget"]["rows_total"])),
        ("alarms", ", ".join(counted) or text("shares.no_alarms")),
        ("tags", "; ".join(_of_tag(screen, tag) for tag in terms["tags"]) or "–"),
        ("expires", formats.instant(terms["expires_at"])),
        ("spent", formats.number(share["spent_rows"])),
    )
    with element("dl", "ms-facts"):
        for key, value in facts:
            words("dt", text(f"shares.{key}"))
            words("dd", value)
    show_content(screen, share["content"])


def _of_tag(screen: Screen, tag: Mapping[str, Any]) -> str:
    told = list(tag["aggregates"])
    if tag["classes"]:
        told.append(screen.text("shares.classes_of", limits=" – ".join(shown(each) for each in tag["classes"])))
    return screen.text("shares.of_tag", tag=tag["path"], aggregates=", ".join(told))


def show_content(screen: Screen, content: Mapping[str, Any]) -> None:
    """Each series by its own path, and by the name that the recipient sees; what is held back says so."""
    text = screen.text
    heading(text("shares.content", count=len(content["series"])), 3)
    if held := sum(each["is_held_back"] for each in content["series"]):
        words("p", text("shares.held_back", count=held), "ms-uncertain ms-strong ms-hint")
    with element("ul", "ms-list"):
        for series in content["series"]:
            with element("li", "ms-break"):
                words("span", f"{series['path']} → {series['alias']}")
                if series["is_held_back"]:
                    words("span", f" ◆ {text('shares.held_back_one')}", "ms-uncertain ms-strong")
