"""Spares the interpreter from asking again, three times an element, what a method of the library takes."""

import inspect

from nicegui.classes import Classes
from nicegui.props import Props
from nicegui.style import Style


def remember_signatures() -> None:
    """Let classes, props and styles carry their observers' signatures, as `inspect` allows: a page has many elements.

    Without it a third of the time in which a page is built goes into looking at these three methods again and again.
    """
    for kind in (Classes, Props, Style):
        observer = kind._update  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # what the library observes with
        observer.__signature__ = inspect.signature(observer)
