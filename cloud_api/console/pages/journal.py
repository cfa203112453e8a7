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
COLUMNS = {"number": 96, "at": 170, "priority": 84, "event": 150, "path": 260, "message": 0, "who": 130, "comment": 220}
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
        ).props("dense outlined").classes("ms-select")
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
    columns: list[dict[str, Any]] = [
        {
            "colId": name,
            "headerName": text(f"journal.column.{name}"),
            ":cellRenderer": f"msJournal.cells.{name}",
            "sortable": False,
        }
        | ({"width": width} if width else {"flex": 1, "minWidth": 220})
        for name, width in COLUMNS.items()
    ]
    options = {
        "columnDefs": columns,
        "rowModelType": "infinite",
        "cacheBlockSize": 200,
        "infiniteInitialRowCount": 1,
        "rowHeight": 36,
        ":getRowId": "(row) => String(row.data.number)",
        ":datasource": f"msJournal.source({json.dumps(_question(screen))})",
        ":onGridReady": "(event) => msJournal.attach(event.api)",
        ":onRowClicked": "(event) => event.data && location.assign(`/alarms?list=open&alarm=${event.data.alarm_id}`)",
        ":localeText": "msJournal.locale",
    }
    with element("div", "ms-listing ms-listing-alone"):
        ui.aggrid(options, auto_size_columns=False).classes("ms-grid")


PAGE = Page("journal", "/journal", "history", Section.OPERATE, Permission.READ, build)
