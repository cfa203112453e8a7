"""What routes owe after journal rows, and how that becomes messages: pure, so time is an argument."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.notify.configuration.routes import RouteRequest
from cloud_api.notify.outbox.grouping import HELD_FOR, gather
from cloud_api.notify.outbox.items import Book, GroupState, Inhibitor, Item, MessageKind
from cloud_api.notify.outbox.routing import RECALL_AFTER, Route, apply_row, prepare_route
from cloud_api.storage.notifications import JournalRow

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
CHANNEL = UUID("00000000-0000-4000-8000-00000000000c")
ROUTE = UUID("00000000-0000-4000-8000-00000000000a")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def row(event: str, seconds: float = 0, path: str = "a/b/c/pump", **changes: Any) -> JournalRow:
    to_state = {"raise": "unacknowledged", "clear": "returned", "acknowledge": "acknowledged"}.get(event, "shelved")
    usual: dict[str, Any] = {
        "number": int(seconds * 10) + 1,
        "alarm_id": uuid5(ROUTE, path),
        "definition_id": ROUTE,
        "path": path,
        "name": "pump",
        "event": event,
        "at": at(seconds),
        "recorded_at": at(seconds),
        "who": "system",
        "from_state": "normal",
        "to_state": to_state,
        "priority": "high",
        "level": "hi",
        "value": 1.0,
        "limit_value": 0.5,
        "message_en": "high",
        "message_zh": "高",
        "comment": None,
        "note": None,
        "is_late": False,
        "position": "hall",
        "alarm_class": "process",
    }
    return JournalRow(**(usual | changes))


def route(**body: Any) -> Route:
    usual = {"name": "all", "steps": [{"channels": [str(CHANNEL)]}], "group": {"wait": "5s", "interval": "1m"}}
    return prepare_route(ROUTE, RouteRequest.model_validate(usual | body))


class World:
    """One route lives through rows and looks; messages are kept."""

    def __init__(self, **body: Any) -> None:
        self.route = route(**body)
        self.book = Book()
        self.group = GroupState()
        self.told: list[tuple[float, str, int, int]] = []

    def row(self, *rows: JournalRow) -> None:
        for each in rows:
            apply_row(each, [self.route], self.book)

    @property
    def items(self) -> list[Item]:
        return [item for item in self.book.added if item.is_open and item.due_at is not None]

    def look(self, seconds: float, *active: Inhibitor) -> None:
        now = at(seconds)
        recent = sum(item.event == "raise" and item.since_at > now - timedelta(minutes=10) for item in self.book.added)
        gathered = gather(self.route, self.group, self.items, recent, active, now)
        self.group = gathered.group
        self.told += [(seconds, draft.kind.value, draft.step, len(draft.items)) for draft in gathered.drafts]

    def run(self, until_s: int, step_s: int = 1, start_s: int = 0) -> None:
        for second in range(start_s, until_s, step_s):
            self.look(second)


def test_alarms_that_come_together_are_one_message():
    world = World()
    world.row(row("raise", 0), row("raise", 3, "a/b/c/fan"))
    world.look(4)
    assert world.told == []
    world.look(5)
    assert world.told == [(5, "alarm", 0, 2)]
    world.run(4000, 10, 10)
    assert len(world.told) == 1


def test_messages_of_a_group_keep_their_distance():
    world = World()
    world.row(row("raise", 0))
    world.look(5)
    world.row(row("raise", 10, "a/b/c/fan"), row("raise", 20, "a/b/c/door"))
    world.run(100, start_s=6)
    assert world.told == [(5, "alarm", 0, 1), (65, "alarm", 0, 2)]


def test_a_late_row_owes_nothing():
    world = World(events=["raise", "clear"])
    world.row(row("raise", 0, is_late=True), row("clear", 1, is_late=True))
    assert world.book.added == []


@pytest.mark.parametrize("to_state", ["shelved", "suppressed", "out_of_service", "acknowledged"])
def test_what_sounds_for_nobody_is_told_to_nobody(to_state: str):
    world = World()
    world.row(row("raise", 0, to_state=to_state))
    assert world.book.added == []


def test_off_the_shelf_and_active_it_calls_again():
    world = World()
    world.row(row("raise", 0, to_state="shelved"))
    world.row(row("unshelve", 9, from_state="shelved", to_state="unacknowledged"))
    world.look(20)
    assert world.told == [(20, "alarm", 0, 1)]


@pytest.mark.parametrize("end", ["acknowledge", "shelve", "out_of_service", "suppress", "retire"])
def test_escalation_ends_when_somebody_has_taken_it(end: str):
    steps = [{"channels": [str(CHANNEL)]}, {"after": "10m", "channels": [str(CHANNEL)]}]
    world = World(steps=steps, repeat={"every": "30m", "times": 2})
    world.row(row("raise", 0))
    world.run(700, 5)
    assert world.told == [(5, "alarm", 0, 1), (600, "escalation", 1, 1)]
    world.row(row(end, 701))
    world.run(20_000, 100, 700)
    assert len(world.told) == 2
    assert world.book.added[0].closed_because is not None


def test_the_last_step_is_repeated_as_often_as_said():
    steps = [{"channels": [str(CHANNEL)]}, {"after": "10m", "channels": [str(CHANNEL)]}]
    world = World(steps=steps, repeat={"every": "30m", "times": 2})
    world.row(row("raise", 0))
    world.run(20_000, 5)
    assert [(second, step) for second, _, step, _ in world.told] == [(5, 0), (600, 1), (2400, 1), (4200, 1)]


def test_a_return_to_normal_ends_it_where_the_route_says_so():
    steps = [{"channels": [str(CHANNEL)]}, {"after": "10m", "channels": [str(CHANNEL)]}]
    for until, count in (("acknowledged", 2), ("acknowledged_or_cleared", 1)):
        world = World(steps=steps, until=until)
        world.row(row("raise", 0))
        world.run(10)
        world.row(row("clear", 11))
        world.run(1000, start_s=12)
        assert len(world.told) == count


def test_a_flood_is_one_message_until_it_is_over():
    world = World()
    world.row(*[row("raise", n / 10, f"a/b/c/{n}") for n in range(40)])
    for second in range(6, 600):
        if second % 30 == 0:
            world.row(row("raise", second, f"a/b/c/late-{second}"))
        world.look(second)
    assert world.told == [(6, "flood", 0, 40)]
    world.run(1300, start_s=600)
    # Fewer than five of the last ten minutes are left when the tenth minute after most of them has passed.
    assert [(kind, count) for _, kind, _, count in world.told[1:]] == [("flood_over", 19)]
    world.row(row("raise", 1400, "a/b/c/new"))
    world.run(1500, start_s=1400)
    assert world.told[-1] == (1405, "alarm", 0, 1)


def test_a_chattering_alarm_is_counted_not_repeated():
    world = World()
    for second in range(0, 600, 20):
        world.row(row("raise", second), row("clear", second + 5))
        world.run(second + 20, start_s=second)
    assert world.told == [(5, "alarm", 0, 1)]
    (item,) = world.book.added
    assert item.alarm_count == 30
    world.row(row("raise", 5 + RECALL_AFTER.total_seconds()))
    world.look(1000)
    assert len(world.told) == 2


def test_a_worse_level_calls_again_and_a_better_one_does_not():
    world = World()
    world.row(row("raise", 0))
    world.look(5)
    same = {"from_state": "unacknowledged", "to_state": "unacknowledged"}
    world.row(row("level", 100, priority="low", level="lo", **same))
    world.run(200, start_s=100)
    assert len(world.told) == 1
    world.row(row("level", 300, priority="critical", level="hihi", **same))
    world.run(400, start_s=300)
    assert world.told[1:] == [(305, "alarm", 0, 1)]


def test_an_alarm_waits_while_its_cause_is_active():
    world = World(inhibit=[{"while": {"paths": ["a/b/power/**"]}, "same": ["area"]}])
    cause = Inhibitor(uuid5(ROUTE, "cause"), "a/b/power/main", "critical", "process", "hall")
    elsewhere = replace(cause, path="a/other/power/main")
    world.row(row("raise", 0))
    for second in range(5, 100):
        world.look(second, cause, elsewhere)
    assert world.told == []
    for second in range(100, 100 + int(HELD_FOR.total_seconds()) + 1):
        world.look(second, elsewhere)
    assert [kind for _, kind, _, _ in world.told] == [MessageKind.ALARM.value]


def test_no_alarm_waits_for_itself():
    world = World(inhibit=[{"while": {"priorities": ["high"]}}])
    world.row(row("raise", 0))
    world.look(5, Inhibitor(uuid5(ROUTE, "a/b/c/pump"), "a/b/c/pump", "high", "process", "hall"))
    assert len(world.told) == 1


def test_outside_its_shifts_a_route_skips_or_holds():
    shift = {"zone": "UTC", "shifts": [{"from": "09:00", "to": "10:00"}]}
    skipping, holding = World(calendar=shift), World(calendar=shift, outside="hold")
    for world in (skipping, holding):
        world.row(row("raise", 0))
        world.run(3700, 5)
    assert skipping.told == []
    assert holding.told == [(3605, "alarm", 0, 1)]


def test_groups_are_what_the_route_names():
    world = World(group={"by": ["area", "class"]})
    world.row(row("raise", 0, "a/b/c/d"), row("raise", 0, "a/b/x/y"), row("raise", 0, "a/z/c/d"))
    assert [item.group_key for item in world.book.added] == [
        "area=a/b, class=process",
        "area=a/b, class=process",
        "area=a/z, class=process",
    ]


def test_a_stopping_route_hides_alarms_from_those_behind():
    other = UUID("00000000-0000-4000-8000-00000000000b")
    body = {"name": "x", "steps": [{"channels": [str(CHANNEL)]}]}
    first = prepare_route(ROUTE, RouteRequest.model_validate(body | {"match": {"paths": ["a/**"]}, "then": "stop"}))
    second = prepare_route(other, RouteRequest.model_validate(body))
    book = Book()
    apply_row(row("raise", 0, "a/x"), [first, second], book)
    apply_row(row("raise", 1, "b/x"), [first, second], book)
    assert [item.route_id for item in book.added] == [ROUTE, other]


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["raise", "clear", "acknowledge", "shelve"]), st.integers(0, 3), st.integers(0, 90)),
    max_size=40,
)


@given(ACTIONS)
def test_every_alarm_that_calls_is_told_or_taken_and_nobody_hears_after_that(
    actions: list[tuple[str, int, int]],
):
    """Whatever happens: an open alarm has been told or is due; a closed one never comes again."""
    steps = [{"channels": [str(CHANNEL)]}, {"after": "2m", "channels": [str(CHANNEL)]}]
    world, second = World(steps=steps), 0
    for event, alarm, wait in actions:
        for moment in range(second, second + wait):
            world.look(moment)
        second += wait
        world.row(row(event, second, f"a/b/c/{alarm}"))
        closed = [item for item in world.book.added if not item.is_open]
        assert all(item.due_at is None for item in closed)
    for item in world.book.added:
        assert not item.is_open or item.told_at is not None or item.due_at is not None
    world.run(second + 1200, 5, second)
    assert all(item.told_at is not None for item in world.book.added if item.is_open)
