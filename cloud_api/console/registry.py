"""Which pages there are. A page is one module with one PAGE; it becomes reachable by one line in `pages()`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from cloud_api.auth.roles import Permission

if TYPE_CHECKING:
    from cloud_api.console.screen import Screen


class Section(StrEnum):
    """Where a page stands in the navigation."""

    OPERATE = "operate"
    ANALYSE = "analyse"
    MAINTAIN = "maintain"
    ADMINISTER = "administer"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its title is the text `page.<name>`; who lacks the permission does not see it."""

    name: str
    address: str
    icon: str
    section: Section
    permission: Permission
    build: "Callable[[Screen], Awaitable[None]]"

    @property
    def title_key(self) -> str:
        """The key of its title."""
        return f"page.{self.name}"


def pages() -> tuple[Page, ...]:
    """All pages, in the order of the navigation."""
    from cloud_api.console.pages import (
        account,
        alarm_quality,
        alarms,
        assets,
        definitions,
        fleet,
        handover,
        journal,
        maintenance,
        overview,
        quality,
        settings,
        trends,
        welcome,
    )
    from cloud_api.console.pages.people import audit, keys, shares, users

    return (
        overview.PAGE,
        alarms.PAGE,
        journal.PAGE,
        handover.PAGE,
        trends.PAGE,
        assets.PAGE,
        quality.PAGE,
        alarm_quality.PAGE,
        definitions.PAGE,
        maintenance.PAGE,
        fleet.PAGE,
        users.PAGE,
        keys.PAGE,
        shares.PAGE,
        audit.PAGE,
        settings.PAGE,
        account.PAGE,
        welcome.PAGE,
    )
