"""Charts of ECharts: an element that never breaks its page, and restrained axes that read on either ground."""

from pathlib import Path
from typing import Any

from nicegui.element import Element
from nicegui.elements.echart import EChart

_LABEL = {"color": "#7d8891"}
_LINE = {"lineStyle": {"color": "rgba(128, 139, 148, 0.55)"}}
_SPLIT = {"lineStyle": {"color": "rgba(128, 139, 148, 0.25)"}}
COURSE = "#5f7f99"
BAND = "#7a8b99"


# The library's own element brings ECharts into the page's import map, from its wheel.
assert EChart


class Chart(Element, component=Path(__file__).parents[1] / "static" / "chart.js"):
    """A chart that is drawn once from its options, and may be taken away at any moment."""

    def __init__(self, options: dict[str, Any], label: str) -> None:
        super().__init__()
        self.props["options"] = options
        self.props["role"] = "img"
        self.props["aria-label"] = label


def axis(kind: str, **more: Any) -> dict[str, Any]:
    """An axis of a kind (`time`, `value`, `category`)."""
    plain: dict[str, Any] = {"type": kind, "axisLine": _LINE, "axisTick": _LINE, "splitLine": _SPLIT}
    label = _LABEL | {"hideOverlap": True} | more.pop("axisLabel", {})
    return plain | {"axisLabel": label, "nameTextStyle": _LABEL, "animation": False} | more
