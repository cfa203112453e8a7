"""The list of alarms: AG Grid asks the API for the blocks that are in sight, so ten thousand are as quick as ten."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from cloud_api.console.parts.html import element
from cloud_api.console.parts.priority import PRIORITIES
from cloud_api.console.screen import Screen

LISTS = ("open", "unacknowledged", "shelved", "suppressed", "out_of_service")
ACKNOWLEDGEABLE = ("open", "unacknowledged")
COLUMNS = ("priority", "annunciated_at", "message", "state", "asset", "tag", "class", "value", "raise_count", "who")
# What a press on a column's head asks the route for: the first press, the second.
SORTS = {
    "priority": ("priority", "-priority"),
    "annunciated_at": ("newest", "oldest"),
    "state": ("state", "-state"),
    "asset": ("path", "-path"),
    "class": ("class", "-class"),
    "value": ("-value", "value"),
    "raise_count": ("-count", "count"),
}
FALLING = frozenset({"newest", "-priority", "-path", "-state", "-class", "-value", "-count", "-raised"})
ORDERS = (*(order for both in SORTS.values() for order in both), "-raised", "raised")
STATES = (
    "normal",
    "unacknowledged",
    "acknowledged",
    "returned",
    "latched_unacknowledged",
    "latched",
    "shelved",
    "suppressed",
    "out_of_service",
)
WIDTHS = {
    "priority": 104,
    "state": 192,
    "annunciated_at": 132,
    "asset": 150,
    "tag": 118,
    "class": 110,
    "value": 96,
    "raise_count": 78,
    "who": 120,
}
READ_S = 5.0


class Listing:
    """The grid, and what the browser knows of it."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        text = screen.text
        texts = {
            "priorities": {each: text(f"priority.{each}") for each in PRIORITIES},
            "states": {each: text(f"state.{each}") for each in STATES},
            "loading": text("alarms.loading"),
            "nothing": text("alarms.nothing"),
            "sorts": {name: {_direction(each): each for each in sorts} for name, sorts in SORTS.items()},
            "failed": text("alarms.failed"),
        }
        shown = json.dumps(texts, ensure_ascii=False).replace("<", "\\u003c")
        ui.add_head_html('<link rel="stylesheet" href="/static/alarms.css">')
        ui.add_body_html(f'<script>window.msAlarmTexts = {shown};</script><script src="/static/alarms.js"></script>')
        with element("div", "ms-listing"):
            self._grid = ui.aggrid(self._options(), auto_size_columns=False).classes("ms-grid")

    @property
    def is_deleted(self) -> bool:
        """Whether the page is gone."""
        return self._grid.is_deleted

    def refilter(self) -> None:
        """Read anew after a change of filter or order."""
        ui.run_javascript(f"msAlarms.refilter({json.dumps(self._question())})")

    async def chosen(self) -> Sequence[Mapping[str, Any]]:
        """The alarms that are ticked."""
        found: list[Mapping[str, Any]] = await ui.run_javascript("return msAlarms.chosen()", timeout=READ_S)
        return found

    async def shown(self) -> tuple[dict[str, Any], str, int]:
        """The filter of what is shown, when it was read, and how many there are to acknowledge."""
        found = await ui.run_javascript("return msAlarms.shown()", timeout=READ_S)
        question = self._question()
        state = question["state"] if question["state"] in ACKNOWLEDGEABLE else "unacknowledged"
        wanted = {"state": state} | {name: question[name] for name in ("q", "asset", "priority") if name in question}
        return wanted, str(found["as_of"]), int(found["total"]) if question["state"] in ACKNOWLEDGEABLE else 0

    def _question(self) -> dict[str, Any]:
        """The address's choices as the route's parameters."""
        query = self._screen.query
        chosen = query.get("list", LISTS[0])
        question: dict[str, Any] = {
            "state": chosen if chosen in LISTS else LISTS[0],
            "sort": chosen_order(self._screen),
        }
        if priorities := [each for each in query.get("priority", "").split(",") if each in PRIORITIES]:
            question["priority"] = priorities
        question |= {name: query[name] for name in ("q", "asset") if query.get(name)}
        return question

    def _options(self) -> dict[str, Any]:
        columns: list[dict[str, Any]] = []
        order = chosen_order(self._screen)
        for name in COLUMNS:
            column: dict[str, Any] = {"colId": name, "headerName": self._screen.text(f"alarms.column.{name}")}
            width = round(WIDTHS.get(name, 0) * self._screen.look.scale)
            column |= {"width": width} if width else {"flex": 1, "minWidth": 260}
            column |= {":cellRenderer": f"msAlarms.cells.{name}", "sortable": name in SORTS, "resizable": True}
            if sorts := SORTS.get(name):
                column["sortingOrder"] = [_direction(each) for each in sorts]
                column |= {"sort": _direction(order)} if order in sorts else {}
            columns.append(column)
        return {
            "columnDefs": columns,
            "rowModelType": "infinite",
            "cacheBlockSize": 100,
            "maxBlocksInCache": 6,
            "infiniteInitialRowCount": 1,
            "rowSelection": {"mode": "multiRow", "checkboxes": True, "headerCheckbox": False},
            "rowHeight": 48 if self._screen.look.is_kiosk else 38,
            "suppressCellFocus": False,
            "suppressMultiSort": True,
            ":getRowId": "(row) => row.data.id",
            ":getRowClass": "msAlarms.rowClass",
            ":datasource": f"msAlarms.source({json.dumps(self._question())})",
            ":onGridReady": "(event) => msAlarms.attach(event.api)",
            # Arrows walk the rows; Tab leaves the list, instead of visiting each of its cells.
            ":tabToNextCell": "() => false",
            ":onRowClicked": "(event) => msAlarms.open(event)",
            ":onCellKeyDown": "(event) => event.event.key === 'Enter' && msAlarms.open(event)",
            ":localeText": "msAlarms.locale",
        }


def chosen_order(screen: Screen) -> str:
    """The order that the address asks for; one that is none is the usual one."""
    chosen = screen.query.get("sort", ORDERS[0])
    return chosen if chosen in ORDERS else ORDERS[0]


def _direction(order: str) -> str:
    return "desc" if order in FALLING else "asc"
