"""An asset beside its template: what is missing, what is there beyond it, what differs."""

from typing import Any

from nicegui import ui

from cloud_api.console.parts.html import element, words
from cloud_api.console.screen import Screen


async def show_report(screen: Screen, asset: dict[str, Any]) -> None:
    """Show the report of one asset."""
    report = await screen.api.get(f"/asset-templates/{asset['template_id']}/report", asset=asset["path"], limit=1_000)
    item = next((each for each in report["items"] if each["asset_id"] == asset["id"]), None)
    if item is None:
        ui.label(screen.text("assets.no_report"))
        return
    text = screen.text
    ui.label(text.maybe(f"verdict.{item['verdict']}", item["verdict"]))
    with element("dl", "ms-facts"):
        for title, tags in ((text("assets.missing"), item["missing"]), (text("assets.extra"), item["extra"])):
            words("dt", title)
            words("dd", ", ".join(tags) or "–")
        for each in item["differing"]:
            words("dt", f"{each['tag']}: {each['field']}")
            words("dd", text("assets.differs", expected=each["expected"], found=each["found"]))
