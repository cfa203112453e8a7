"""The terms of a share: shown, and written for a new one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nicegui import ui

from cloud_api.console.parts.buttons import main_button, side_button
from cloud_api.console.parts.form import Form, problem_place, sent, shown
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.parts.priority import PRIORITIES
from cloud_api.console.screen import Screen

FLOORS = ("1m", "5m", "15m", "30m", "1h", "8h", "1d", "1w", "1mo")
TAGS = 3


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
        ("last_days", formats.number(window.get("last_days"))),
        ("per_day", formats.number(terms["budget"]["rows_per_day"])),
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
    """Each series by its own path, and by the name that the recipient sees."""
    heading(screen.text("shares.content", count=len(content["series"])), 3)
    with element("ul", "ms-list"):
        for series in content["series"]:
            words("li", f"{series['path']} → {series['alias']}", "ms-break")


def show_new_share(screen: Screen, expires_at: datetime) -> None:
    """The form of a new share; looked at before it is made."""
    text = screen.text
    tags: list[dict[str, Any]] = [{"path": "", "alias": "", "aggregates": []} for _ in range(TAGS)]
    terms = {
        "assets": [{"path": "", "alias": ""}],
        "tags": tags,
        "floor": "1h",
        "window": {"last_days": 30},
        "expires_at": expires_at.isoformat(timespec="seconds"),
    }
    form = Form({"name": "", "terms": terms})
    with element("section", "ms-card ms-no-print"):
        heading(text("shares.new"))
        others = problem_place()
        _fields(screen, form)
        result = element("div", "ms-stack", aria_live="polite")

        def body() -> dict[str, Any]:
            document = form.document()
            document["terms"]["tags"] = [each for each in document["terms"]["tags"] if each.get("path")]
            return document

        async def preview() -> None:
            result.clear()
            found = await sent(screen, form, others, lambda: screen.api.post("/grants/preview", body()))
            if found is not None:
                with result:
                    show_content(screen, found)

        async def create() -> None:
            made = await sent(screen, form, others, lambda: screen.api.post("/grants", body()))
            if made is not None:
                ui.navigate.to(screen.address(screen.page.address, id=made["id"]))

        with element("div", "ms-row"):
            main_button(text("shares.create"), create)
            side_button(text("shares.preview"), preview)


def _fields(screen: Screen, form: Form) -> None:
    text = screen.text
    with element("div", "ms-fields"):
        form.line("name", text("shares.name"))
        for key in ("provider", "recipient", "purpose_en", "purpose_zh"):
            form.line(f"terms.{key}", text(f"shares.{key}"))
        form.choice("terms.floor", text("shares.floor"), {each: each for each in FLOORS})
        form.number("terms.window.last_days", text("shares.last_days"))
        form.line("terms.expires_at", text("shares.expires"))
        form.number("terms.budget.rows_per_day", text("shares.per_day"))
        priorities: dict[Any, str] = {each: text(f"priority.{each}") for each in PRIORITIES}
        hint = text("shares.alarms_hint")
        form.choices("terms.alarms.priorities", text("shares.alarms"), priorities).props["hint"] = hint
        form.line("terms.assets.0.path", text("shares.assets"), hint=text("shares.assets_hint"))
        form.line("terms.assets.0.alias", text("shares.assets_alias"), hint=text("shares.alias_hint"))
    with element("div", "ms-fields"):
        for index in range(TAGS):
            form.line(f"terms.tags.{index}.path", text("shares.tag", number=index + 1))
            form.line(f"terms.tags.{index}.alias", text("shares.tag_alias", number=index + 1))
            hint = text("shares.aggregates_hint")
            form.items(f"terms.tags.{index}.aggregates", text("shares.aggregates"), hint, is_text=True)
            form.items(f"terms.tags.{index}.classes", text("shares.classes"), text("shares.classes_hint"))
