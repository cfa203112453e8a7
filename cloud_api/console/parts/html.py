"""Plain elements with attributes whose values may hold anything, also what people have written."""

from typing import TypeVar

from nicegui import ui
from nicegui.element import Element

AnyElement = TypeVar("AnyElement", bound=Element)


def attributed(element: AnyElement, **attributes: str | int | None) -> AnyElement:
    """Give an element HTML attributes: `aria_label` is aria-label, `for_` is for; None leaves one out."""
    for name, value in attributes.items():
        if value is not None:
            element.props[name.rstrip("_").replace("_", "-")] = value
    element.update()
    return element


def element(tag: str, classes: str = "", **attributes: str | int | None) -> Element:
    """An element to put others into: `with element("div", "ms-card"):`."""
    return attributed(ui.element(tag).classes(classes), **attributes)


def words(tag: str, text: str, classes: str = "", **attributes: str | int | None) -> ui.label:
    """An element that shows a text."""
    label = ui.label(text).classes(classes)
    label.tag = tag
    return attributed(label, **attributes)


def short_message(message: str, path: str) -> str:
    """A message whose path is cut to what tells places apart on the spot."""
    return message.replace(path, " / ".join(path.split("/")[-3:]))


def heading(text: str, level: int = 2) -> ui.label:
    """A heading."""
    return words(f"h{level}", text, f"ms-h{level}")
