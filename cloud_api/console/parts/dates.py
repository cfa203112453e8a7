"""A calendar beside a field of dates: a click adds a day, another takes it out; they can be typed and pasted too."""

from datetime import date

from nicegui import ui

from cloud_api.console.parts.html import attributed


def offer_calendar(field: ui.textarea, label: str) -> None:
    """Put a button into the field that opens a calendar over its lines."""
    with field.add_slot("append"):
        button = attributed(ui.button(icon="event").props("flat round dense size=sm"), aria_label=label)
    with button, ui.menu() as menu:
        picker = ui.date(on_change=lambda event: _take(field, event.value)).props(
            "multiple minimal first-day-of-week=1"
        )
    menu.on("before-show", lambda: picker.set_value(sorted(_days(field.value))))


def merged(lines: str | None, chosen: list[str]) -> str:
    """The lines of a field with these days, in order; what is no date stays, for its writer to correct."""
    others = [line.strip() for line in (lines or "").splitlines() if line.strip() and not _is_day(line)]
    return "\n".join([*others, *sorted(chosen)])


def _take(field: ui.textarea, chosen: str | list[str] | None) -> None:
    days = [chosen] if isinstance(chosen, str) else chosen or []
    if set(days) != _days(field.value):
        field.value = merged(field.value, days)


def _days(lines: str | None) -> set[str]:
    return {line.strip() for line in (lines or "").splitlines() if _is_day(line)}


def _is_day(line: str) -> bool:
    try:
        return date.fromisoformat(line.strip()).isoformat() == line.strip()
    except ValueError:
        return False
