"""Alarm definitions: find, write, try, compare, bring in and out."""

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.definitions.editor import show_editor
from cloud_api.console.pages.definitions.listing import show_list
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen


async def build(screen: Screen) -> None:
    """Show one definition where the address names one, else all."""
    if screen.query.keys() & {"id", "new", "copy"}:
        await show_editor(screen)
    else:
        await show_list(screen)


PAGE = Page("definitions", "/definitions", "rule", Section.MAINTAIN, Permission.READ, build)
