"""The course of the series around an alarm's cause: the band of minima and maxima, the limit, when it was raised."""

from datetime import datetime, timedelta
from typing import Any

from cloud_api.console.parts.chart import BAND, COURSE, Chart, axis
from cloud_api.console.screen import Screen

BEFORE, AFTER = timedelta(minutes=20), timedelta(minutes=10)
POINTS = 240


async def show_trend(screen: Screen, alarm: dict[str, Any]) -> None:
    """Show it."""
    cause = datetime.fromisoformat(alarm["raised_at"] or alarm["changed_at"])
    start, end = cause - BEFORE, min(cause + AFTER, screen.now())
    question = {
        "series": [alarm["series_id"]],
        "from": start.isoformat(),
        "to": end.isoformat(),
        "points": POINTS,
        "aggregate": ["minimum", "maximum", "average"],
    }
    answer = await screen.api.post("/query", question)
    Chart(_options(screen, alarm, answer, cause), screen.text("alarms.trend")).classes("ms-detail-trend")


def _options(screen: Screen, alarm: dict[str, Any], answer: dict[str, Any], cause: datetime) -> dict[str, Any]:
    rows, unit = answer["series"][0]["rows"], answer["series"][0]["unit"] or ""
    lows = [[row[0], row[1]] for row in rows]
    # Stacked on the minima: the band reaches the maxima, so no spike is lost.
    spans = [[row[0], None if row[1] is None else row[2] - row[1]] for row in rows]
    limit = alarm["limit"]
    step = "end" if alarm["condition"] == "discrete" else False
    lines: list[dict[str, Any]] = [
        {
            "xAxis": cause.isoformat(),
            "label": {"formatter": screen.text("alarms.raised")},
            "lineStyle": {"type": "solid"},
        }
    ]
    if limit is not None and alarm["condition"] == "limit":
        label = {"formatter": f"{screen.text('alarms.fact.limit')} {screen.formats.number(limit)}"}
        lines.append({"yAxis": limit, "label": label | {"position": "insideStartTop"}, "lineStyle": {"type": "dashed"}})
    plain = {"type": "line", "symbol": "none", "step": step, "animation": False}
    return {
        "grid": {"left": 52, "right": 14, "top": 26, "bottom": 24},
        "textStyle": {"fontFamily": "inherit"},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": axis("time", splitLine={"show": False}),
        "yAxis": axis("value", scale=True, name=unit, nameGap=8),
        "series": [
            plain
            | {"name": "min", "data": lows, "stack": "band", "lineStyle": {"width": 0}, "tooltip": {"show": False}},
            plain
            | {
                "name": "band",
                "data": spans,
                "stack": "band",
                "lineStyle": {"width": 0},
                "areaStyle": {"color": BAND, "opacity": 0.35},
                "tooltip": {"show": False},
            },
            plain
            | {
                "name": answer["series"][0]["path"].rpartition("/")[2],
                "data": [[row[0], row[3]] for row in rows],
                "lineStyle": {"width": 1.6, "color": COURSE},
                "itemStyle": {"color": COURSE},
                "markLine": {"symbol": "none", "animation": False, "lineStyle": {"color": "#8a6d3b"}, "data": lines},
            },
        ],
    }
