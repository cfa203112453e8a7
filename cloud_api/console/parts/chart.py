"""What all charts share: restrained axes that read on light and dark ground."""

from typing import Any

_LABEL = {"color": "#7d8891"}
_LINE = {"lineStyle": {"color": "rgba(128, 139, 148, 0.55)"}}
_SPLIT = {"lineStyle": {"color": "rgba(128, 139, 148, 0.25)"}}
COURSE = "#5f7f99"
BAND = "#7a8b99"


def axis(kind: str, **more: Any) -> dict[str, Any]:
    """An axis of a kind (`time`, `value`, `category`)."""
    plain: dict[str, Any] = {"type": kind, "axisLine": _LINE, "axisTick": _LINE, "splitLine": _SPLIT}
    label = _LABEL | {"hideOverlap": True} | more.pop("axisLabel", {})
    return plain | {"axisLabel": label, "nameTextStyle": _LABEL, "animation": False} | more
