"""The journal: everything that happened to alarms, in order, for reading and for files."""

import json
from functools import partial
from typing import Any

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.parts.html import element
from cloud_api.console.parts.priority import PRIORITIES
from cloud_api.console.parts.span import read_span, span_buttons
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen

EVENTS = (
    "raise",
    "clear",
    "level",
    "acknowledge",
    "shelve",
    "unshelve",
    "suppress",
    "unsuppress",
    "out_of_service",
    "return",
    "reset",
    "comment",
    "assign",
    "retire",
)
WIDTHS = {"number": 76, "at": 150, "priority": 88, "event": 140, "who": 110}
# What is long shares the room that is left.
SHARES = {"path": 4, "message": 6, "comment": 3}
COLUMNS = ("number", "at", "priority", "event", "path", "message", "who", "comment")
FORMS = {
    "csv": "text/csv",
    "excel": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}


async def build(screen: Screen) -> None:
    """Build the page."""
    with element("div", "ms-fill"):
        span_buttons(screen)
        _filter(screen)
        _grid(screen)


def _filter(screen: Screen) -> None:
    text = screen.text
    names = {each: text(f"event.{each}") for each in EVENTS}
    chosen = [each for each in screen.query.get("event", "").split(",") if each in EVENTS]
    with element("div", "ms-row ms-no-print"):
        ui.select(
            names,
            label=text("journal.events"),
            value=chosen,
            multiple=True,
            on_change=lambda event: _choose(screen, event=",".join(event.value)),
        ).props("dense outlined").classes("ms-select ms-select-wide")
        words = ui.input(text("journal.path"), value=screen.query.get("path", "")).props("dense outlined clearable")
        words.on_value_change(lambda event: _choose(screen, path=event.value)).props("debounce=500")
        ui.space()
        for form, media_type in FORMS.items():
            ui.button(
                text(f"journal.form.{form}"),
                icon="download",
                on_click=partial(_export, screen, form, media_type),
            ).props("no-caps outline dense")


def _choose(screen: Screen, **choices: Any) -> None:
    screen.remember(**choices)
    ui.run_javascript(f"msJournal.refilter({json.dumps(_question(screen))})")


def _export(screen: Screen, form: str, media_type: str) -> None:
    question = _question(screen) | ({"excel": "true"} if form == "excel" else {})
    name = f"{screen.text('journal.file')}.{'csv' if form == 'excel' else form}"
    ui.run_javascript(f"msJournal.download({json.dumps(question)}, {json.dumps(media_type)}, {json.dumps(name)})")


def _question(screen: Screen) -> dict[str, Any]:
    start, end = read_span(screen)
    question: dict[str, Any] = {"from": start.isoformat()}
    if screen.query.get("to"):
        question["to"] = end.isoformat()
    if events := [each for each in screen.query.get("event", "").split(",") if each in EVENTS]:
        question["event"] = events
    if path := screen.query.get("path", "").strip():
        question["path"] = path if "*" in path or "/" in path else f"**/*{path}*/**"
    return question


def _grid(screen: Screen) -> None:
    text = screen.text
    texts = {
        "priorities": {each: text(f"priority.{each}") for each in PRIORITIES},
        "events": {each: text(f"event.{each}") for each in EVENTS},
        "nothing": text("journal.nothing"),
        "loading": text("alarms.loading"),
        "failed": text("journal.failed"),
    }
    shown = json.dumps(texts, ensure_ascii=False).replace("<", "\\u003c")
    ui.add_head_html('<link rel="stylesheet" href="/static/alarms.css">')
    ui.add_body_html(f'<script>window.msJournalTexts = {shown};</script><script src="/static/journal.js"></script>')
    scale = screen.look.scale
    columns: list[dict[str, Any]] = [
        {
            "colId": name,
            "headerName": text(f"journal.column.{name}"),
            ":cellRenderer": f"msJournal.cells.{name}",
            "sortable": False,
        }
        | ({"width": round(WIDTHS[name] * scale)} if name in WIDTHS else {"flex": SHARES[name], "minWidth": 110})
        for name in COLUMNS
    ]
    options = {
        "columnDefs": columns,
        "rowModelType": "infinite",
        "cacheBlockSize": 200,
        "infiniteInitialRowCount": 1,
        "rowHeight": round(36 * scale),
        ":getRowId": "(row) => String(row.data.number)",
        ":datasource": f"msJournal.source({json.dumps(_question(screen))})",
        ":onGridReady": "(event) => msJournal.attach(event.api)",
        # Arrows walk the rows; Tab leaves the list, instead of visiting each of its cells.
        ":tabToNextCell": "() => false",
        ":onRowClicked": "(event) => msJournal.open(event)",
        ":onCellKeyDown": "(event) => event.event.key === 'Enter' && msJournal.open(event)",
        ":localeText": "msJournal.locale",
    }
    with element("div", "ms-listing ms-listing-alone"):
        ui.aggrid(options, auto_size_columns=False).classes("ms-grid")


PAGE = Page("journal", "/journal", "history", Section.OPERATE, Permission.READ, build)
