"""What a page is: one module with one PAGE; it becomes reachable by one line in the sitemap."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cloud_api.console.navigation import Destination, Section
from cloud_api.console.screen import Screen

__all__ = ["Page", "Section"]


@dataclass(frozen=True, slots=True)
class Page(Destination):
    """One page and what builds it."""

    build: Callable[[Screen], Awaitable[None]]
