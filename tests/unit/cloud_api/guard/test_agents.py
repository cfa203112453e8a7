"""What batches show of agents: identity, clock, extent; and daily life, which shows nothing."""

from collections.abc import Iterable

import pytest

from cloud_api.audit_settings import GuardSettings
from cloud_api.guard.agents import AGENTS_MAX, LEARNED, AgentWatch
from cloud_api.guard.kinds import EventKind
from cloud_api.witness import Observation

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
A, B = b"a" * 16, b"b" * 16


def batch(at_s: float, seq: int, epoch: bytes = A, **more: object) -> Observation:
    at_us = START + int(at_s * SECOND)
    fields: dict[str, object] = {
        "agent": "gw-1",
        "epoch": epoch,
        "seq": seq,
        "is_live": True,
        "received_us": at_us,
        "untils": {"press": at_us},
        "samples": 100,
        "tags": 200,
        "reasons": frozenset[str](),
    }
    return Observation(**fields | more)  # pyright: ignore[reportArgumentType]


def kinds(watch: AgentWatch, seen: Iterable[Observation]) -> list[EventKind]:
    return [sighting.kind for each in seen for sighting in watch.see(each)]


@pytest.fixture
def watch() -> AgentWatch:
    return AgentWatch(GuardSettings())


def test_daily_life_shows_nothing(watch: AgentWatch):
    steady = [batch(number, number) for number in range(1, 1_800)]
    # A restart: a new process, which first sends what the one before it has left.
    left = [batch(1_801, 1_800 + n, untils={"press": START + (1_790 + n) * SECOND}) for n in range(5)]
    after = [batch(1_802 + n, 1 + n, B) for n in range(200)]
    interleaved = [left[0], after[0], *left[1:], *after[1:]]
    # A dead device keeps an old time; a batch may name that one alone. Backlog says nothing of now.
    dead = batch(2_100, 300, B, untils={"oven": START})
    late = batch(2_101, 301, B, is_live=False, untils={"press": START}, samples=20_000)
    assert kinds(watch, [*steady, *interleaved, dead, late, batch(2_102, 302, B)]) == []


def test_two_processes_of_one_agent(watch: AgentWatch):
    both = [batch(at, at, epoch) for at in range(1, 120) for epoch in (A, B)]
    found = kinds(watch, both)
    assert set(found) == {EventKind.AGENT_DOUBLED}
    assert kinds(watch, [batch(200, 1, b"c" * 16)]) == []


def test_a_clock_that_jumps(watch: AgentWatch):
    def at(at_s: float, seq: int, by_s: float) -> Observation:
        return batch(at_s, seq, untils={"press": START + int((at_s + by_s) * SECOND)})

    assert kinds(watch, [at(1, 1, 0), at(2, 2, -50), at(3, 3, 55)]) == []
    assert kinds(watch, [at(4, 4, 120)]) == [EventKind.AGENT_CLOCK]
    assert kinds(watch, [at(5, 5, 0), at(6, 6, 0)]) == [EventKind.AGENT_CLOCK], "back again, once"
    assert kinds(watch, [at(7, 6, -900)]) == [], "a batch that was sent before is no clock"
    assert kinds(watch, [batch(8, 8, reasons=frozenset({"time_in_future"}))]) == [EventKind.AGENT_CLOCK]


def test_foreign_topics_and_series(watch: AgentWatch):
    (topic,) = watch.see(batch(1, 1, is_live=False, reasons=frozenset({"wrong_agent"}), detail="x sent a batch of y"))
    assert (topic.kind, topic.subject, topic.detail) == (EventKind.AGENT_TOPIC, "gw-1", "x sent a batch of y")
    assert kinds(watch, [batch(2, 2, reasons=frozenset({"foreign_series"}))]) == [EventKind.AGENT_SERIES]


def learned(watch: AgentWatch, samples: int = 600, tags: int = 200) -> float:
    """Ten minutes and more as always."""
    end = 60 * (LEARNED + 2)
    assert kinds(watch, [batch(at, at, samples=samples, tags=tags) for at in range(end)]) == []
    return end


def test_a_sudden_change_of_tags(watch: AgentWatch):
    end = learned(watch)
    assert kinds(watch, [batch(end, 10_000, tags=240)]) == [], "some new tags are daily work"
    grown = [batch(end + n, 10_001 + n, samples=600, tags=900) for n in range(1, 120)]
    assert kinds(watch, grown) == [EventKind.AGENT_TAGS]
    fallen = [batch(end + n, 11_000 + n, samples=600, tags=900 if n < 180 else 20) for n in range(120, 300)]
    assert kinds(watch, fallen) == [EventKind.AGENT_TAGS]


def test_a_sudden_change_of_traffic(watch: AgentWatch):
    end = learned(watch)
    flood = [batch(end + n, 10_000 + n, samples=6_000) for n in range(60)]
    assert kinds(watch, flood) == [EventKind.AGENT_TRAFFIC], "once a minute, not once a batch"
    # What goes on becomes usual, and a fall is a change, too.
    assert (
        EventKind.AGENT_TRAFFIC
        not in kinds(watch, [batch(end + n, 20_000 + n, samples=600) for n in range(60, 400)])[1:]
    )


def test_an_agent_that_was_away_has_not_sent_less(watch: AgentWatch):
    end = learned(watch, samples=6_000)
    assert kinds(watch, [batch(end + 1, 10_000), batch(end + 4_000, 10_001, samples=6_000)]) == []


def test_agents_beyond_number_take_no_memory(watch: AgentWatch):
    for number in range(AGENTS_MAX + 50):
        watch.see(batch(1, 1, agent=f"gw-{number}"))
    assert len(watch._agents) == AGENTS_MAX
