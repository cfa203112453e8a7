"""Journal rows to what each route owes people: pure arithmetic on a book of items (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cloud_api.globs import PathGlob, parse_glob
from cloud_api.notify.configuration.calendars import Calendar
from cloud_api.notify.configuration.lengths import read_length
from cloud_api.notify.configuration.routes import AlarmMatch, Outside, RouteRequest, Then, Told, Until
from cloud_api.notify.outbox.items import ASIDE, PRIORITIES, Book, Item, dimension, snapshot_of
from cloud_api.storage.notifications import JournalRow

# An alarm sounds again before anybody who was told has acknowledged: people hear of it anew after so long.
RECALL_AFTER = timedelta(minutes=15)
CALLING = "unacknowledged"
# What ends the duty to tell anybody more, and what it is called in the item.
ENDS = {
    "acknowledge": "acknowledged",
    "shelve": "shelved",
    "suppress": "suppressed",
    "out_of_service": "out_of_service",
    "retire": "retired",
}
_FAR = {"hihi": 2, "hi": 1, "lo": 1, "lolo": 2}


@dataclass(frozen=True, slots=True)
class Matcher:
    """An AlarmMatch ready to be asked."""

    match: AlarmMatch
    globs: tuple[PathGlob, ...]

    def takes(self, path: str, priority: str, alarm_class: str | None, position: str | None) -> bool:
        """Say whether an alarm is meant."""
        match = self.match
        return (
            (match.priorities is None or priority in match.priorities)
            and (match.classes is None or alarm_class in match.classes)
            and (match.positions is None or position in match.positions)
            and (not self.globs or any(glob.matches(path) for glob in self.globs))
        )


@dataclass(frozen=True, slots=True)
class Route:
    """A route ready to be asked."""

    id: UUID
    request: RouteRequest
    matcher: Matcher
    calendar: Calendar | None
    waits: tuple[timedelta, ...]
    group_wait: timedelta
    group_interval: timedelta
    repeat_every: timedelta | None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.request.name


def prepare_matcher(match: AlarmMatch) -> Matcher:
    """Read the globs of a match."""
    return Matcher(match, tuple(parse_glob(glob) for glob in match.paths or ()))


def prepare_route(route_id: UUID, request: RouteRequest) -> Route:
    """Read everything that is text in a route."""
    return Route(
        id=route_id,
        request=request,
        matcher=prepare_matcher(request.match),
        calendar=None if request.calendar is None else request.calendar.read(),
        waits=tuple(read_length(step.after) for step in request.steps),
        group_wait=read_length(request.group.wait),
        group_interval=read_length(request.group.interval),
        repeat_every=None if request.repeat is None else read_length(request.repeat.every),
    )


def apply_row(row: JournalRow, routes: Sequence[Route], book: Book) -> None:
    """Let one sealed row change what routes owe; a late one tells nobody anything."""
    if row.is_late:
        return
    if is_call(row):
        _call(row, routes, book)
    elif row.event == "clear":
        _clear(row, routes, book)
    elif row.event in ENDS:
        _end(row, routes, book)


def is_call(row: JournalRow) -> bool:
    """Say whether an alarm asks for somebody in this row: it is raised, worse, or back from where it was hidden."""
    if row.to_state != CALLING:
        return False
    return row.event in {"raise", "level"} or row.from_state in ASIDE


def _call(row: JournalRow, routes: Sequence[Route], book: Book) -> None:
    for route in routes:
        if Told.RAISE not in route.request.events:
            continue
        if not route.matcher.takes(row.path, row.priority, row.alarm_class, row.position):
            continue
        start_at = _start(route, row.recorded_at)
        if start_at is None:
            continue
        _owe(row, route, start_at, book)
        if route.request.then is Then.STOP:
            return


def _start(route: Route, at: datetime) -> datetime | None:
    """Find when the route is there: now, when its next shift begins, or not at all."""
    if route.calendar is None or route.calendar.is_open(at):
        return at
    return route.calendar.next_open(at) if route.request.outside is Outside.HOLD else None


def _owe(row: JournalRow, route: Route, start_at: datetime, book: Book) -> None:
    due_at = start_at + route.waits[0] + route.group_wait
    item = book.find(route.id, row.alarm_id, Told.RAISE)
    if item is None or not item.is_open:
        if row.event == "level" and row.from_state == CALLING and item is not None:
            return  # a change of words about an alarm that was closed here by another rule
        book.add(_new_item(row, route, Told.RAISE, start_at, due_at))
        return
    is_worse = _severity(row.priority, row.level) > _severity(item.snapshot["priority"], item.snapshot["level"])
    if row.event == "level" and row.from_state == CALLING and not is_worse:
        return
    item.alarm_count += row.event == "raise"
    item.snapshot = snapshot_of(row)
    if item.told_at is not None and (is_worse or row.recorded_at - item.told_at >= RECALL_AFTER):
        item.since_at, item.due_at, item.step, item.repeat_count, item.told_at = start_at, due_at, 0, 0, None
    book.touch(item)


def _clear(row: JournalRow, routes: Sequence[Route], book: Book) -> None:
    for route in routes:
        item = book.find(route.id, row.alarm_id, Told.RAISE)
        if item is None:
            continue
        if item.is_open and route.request.until is Until.ACKNOWLEDGED_OR_CLEARED:
            item.close(row.recorded_at, "cleared")
            book.touch(item)
        _report(row, route, Told.CLEAR, item, book)


def _end(row: JournalRow, routes: Sequence[Route], book: Book) -> None:
    for route in routes:
        item = book.find(route.id, row.alarm_id, Told.RAISE)
        if item is None:
            continue
        if item.is_open:
            item.close(row.recorded_at, ENDS[row.event])
            book.touch(item)
        if row.event in {Told.ACKNOWLEDGE, Told.SHELVE, Told.OUT_OF_SERVICE}:
            _report(row, route, Told(row.event), item, book)


def _report(row: JournalRow, route: Route, told: Told, raised: Item, book: Book) -> None:
    """Tell those who were told of the alarm, and nobody else, what became of it."""
    if told in route.request.events and raised.told_at is not None:
        due_at = row.recorded_at + route.group_wait
        book.add(_new_item(row, route, told, row.recorded_at, due_at))


def _new_item(row: JournalRow, route: Route, told: Told, since_at: datetime, due_at: datetime) -> Item:
    snapshot = snapshot_of(row)
    shown = {name: dimension(name, snapshot) for name in route.request.group.by}
    key = ", ".join(f"{name}={value}" for name, value in shown.items())
    return Item(
        None, route.id, row.alarm_id, row.number, told.value, key, since_at, due_at, 0, 0, 1, None, None, None, snapshot
    )


def _severity(priority: str, level: str | None) -> tuple[int, int]:
    return -PRIORITIES.index(priority), _FAR.get(level or "", 0)
