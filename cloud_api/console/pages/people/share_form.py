"""The form of a share, new or already there: looked at before it is made, and before other terms are in force."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from nicegui import ui

from cloud_api.console.pages.people.share_fields import ShareFields
from cloud_api.console.pages.people.terms import show_content
from cloud_api.console.parts.ask import ask
from cloud_api.console.parts.buttons import main_button, side_button
from cloud_api.console.parts.changes import differences, show_changes
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.screen import Screen

PREVIEW = "/grants/preview"
# The mark of a series is its shape and its word; the same signs as before and after a value.
SIGNS = {"gone": "−", "new": "+", "renamed": "→", "freed": "◆"}


def show_new_share(screen: Screen, expires_at: datetime) -> None:
    """The form of a new share."""
    text = screen.text
    terms = {
        "assets": [{"path": "", "alias": ""}],
        "tags": [{"path": "", "alias": "", "aggregates": []}],
        "floor": "1h",
        "window": {"last_days": 30},
        "expires_at": expires_at.isoformat(timespec="seconds"),
    }
    form = Form({"name": "", "terms": terms})
    with element("section", "ms-card ms-no-print"):
        heading(text("shares.new"))
        others = problem_place()
        ShareFields(screen, form).show()
        result = element("div", "ms-stack", aria_live="polite")

        async def preview() -> None:
            result.clear()
            found = await sent(screen, form, others, lambda: screen.api.post(PREVIEW, _body(form)))
            if found is not None:
                with result:
                    show_content(screen, found)

        async def create() -> None:
            made = await sent(screen, form, others, lambda: screen.api.post("/grants", _body(form)))
            if made is not None:
                ui.navigate.to(screen.address(screen.page.address, id=made["id"]))

        with element("div", "ms-row"):
            main_button(text("shares.create"), create)
            side_button(text("shares.preview"), preview)


def change_share(screen: Screen, share: Mapping[str, Any], leave: Callable[[], object]) -> None:
    """The fields of a share that is there; what they would change is shown before it is in force."""
    text = screen.text
    before = {"name": share["name"], "terms": share["terms"]}
    form = Form(before)
    others = problem_place()
    words("p", text("shares.change_hint"), "ms-muted ms-hint")
    ShareFields(screen, form).show()

    async def save() -> None:
        body = _body(form)
        content = await sent(screen, form, others, lambda: screen.api.post(PREVIEW, body, grant=share["id"]))
        if content is None:
            return
        changes, meant = differences(before, body), meant_otherwise(share["content"], content)
        if not changes and not any(meant.values()):
            screen.done(text("definitions.unchanged"))
            return

        def show() -> None:
            show_changes(screen, changes)
            _show_meant(screen, meant, content)

        if await ask(screen, text("shares.change_sure", name=share["name"]), show):
            address, whole = f"/grants/{share['id']}", {**body, "version": share["version"]}
            if await sent(screen, form, others, lambda: screen.api.put(address, whole)):
                ui.navigate.reload()

    with element("div", "ms-row"):
        main_button(text("shares.save"), save)
        side_button(text("routes.leave"), leave)


def meant_otherwise(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[str]]:
    """Series that other terms would add, take away, call otherwise, and let out again (pure)."""
    old = {each["path"]: each for each in before["series"]}
    new = {each["path"]: each for each in after["series"]}
    both = [path for path in new if path in old]
    return {
        "gone": [f"{path} → {old[path]['alias']}" for path in old if path not in new],
        "new": [f"{path} → {new[path]['alias']}" for path in new if path not in old],
        "renamed": [
            f"{path}: {old[path]['alias']} → {new[path]['alias']}"
            for path in both
            if old[path]["alias"] != new[path]["alias"]
        ],
        "freed": [f"{path} → {new[path]['alias']}" for path in both if old[path]["is_held_back"]],
    }


def _show_meant(screen: Screen, meant: Mapping[str, list[str]], content: Mapping[str, Any]) -> None:
    heading(screen.text("shares.would_mean", count=len(content["series"])), 3)
    for kind, sign in SIGNS.items():
        if meant[kind]:
            words("p", screen.text(f"share_meant.{kind}", count=len(meant[kind])), "ms-strong ms-hint")
            with element("ul", "ms-list"):
                for each in meant[kind]:
                    words("li", f"{sign} {each}", "ms-break")
    if not any(meant.values()):
        words("p", screen.text("shares.means_the_same"), "ms-muted ms-hint")


def _body(form: Form) -> dict[str, Any]:
    """The share of the fields: no classes are none, and a tag may be without aggregates."""
    body = form.document()
    for tag in body["terms"].get("tags", []):
        if not tag.get("classes"):
            tag.pop("classes", None)
    return body
