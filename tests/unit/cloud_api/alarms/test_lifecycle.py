"""The life cycle of ISA-18.2 and OPC UA Part 9: every memory, every event, nothing left out."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.alarms.lifecycle.states import (
    ASIDE,
    AlarmEvent,
    AlarmState,
    Handling,
    Memories,
    Refusal,
    Shelving,
    advance,
    consequence,
    is_escalation,
)

BITS = (False, True)
EVERY_MEMORY = [Memories(*bits) for bits in product(BITS, BITS, BITS, Shelving, BITS, BITS)]
EVERY_HANDLING = [Handling(*bits) for bits in product(BITS, BITS)]
PLAIN, LATCHING = Handling(), Handling(is_latching=True)

A = Memories()
B = Memories(is_active=True, is_acknowledged=False)
C = Memories(is_active=True)
D = Memories(is_acknowledged=False)
E = Memories(is_acknowledged=False, is_latched=True)
F = Memories(is_latched=True)
LATCHED_B, LATCHED_C = replace(B, is_latched=True), replace(C, is_latched=True)

# The transitions of the standard, each as (from, event, handling, to).
TABLE = [
    ("1 A-B condition confirmed", A, AlarmEvent.RAISE, PLAIN, B),
    ("2 B-C acknowledge", B, AlarmEvent.ACKNOWLEDGE, PLAIN, C),
    ("3 B-D clears", B, AlarmEvent.CLEAR, PLAIN, D),
    ("4 C-A clears", C, AlarmEvent.CLEAR, PLAIN, A),
    ("5 D-A acknowledge", D, AlarmEvent.ACKNOWLEDGE, PLAIN, A),
    ("6 D-B again", D, AlarmEvent.RAISE, PLAIN, B),
    ("7 A-B latching", A, AlarmEvent.RAISE, LATCHING, LATCHED_B),
    ("7 B-E clears, latched", LATCHED_B, AlarmEvent.CLEAR, LATCHING, E),
    ("7 E-F acknowledge", E, AlarmEvent.ACKNOWLEDGE, LATCHING, F),
    ("7 C-F clears, latched", LATCHED_C, AlarmEvent.CLEAR, LATCHING, F),
    ("7 F-C returns", F, AlarmEvent.RAISE, LATCHING, LATCHED_C),
    ("7 E-B returns", E, AlarmEvent.RAISE, LATCHING, LATCHED_B),
    ("7 F-A reset", F, AlarmEvent.RESET, LATCHING, A),
    ("8 any-G timed", C, AlarmEvent.SHELVE_TIMED, PLAIN, replace(C, shelving=Shelving.TIMED)),
    ("8 any-G one-shot", A, AlarmEvent.SHELVE_ONE_SHOT, PLAIN, replace(A, shelving=Shelving.ONE_SHOT)),
    ("8 G-B unshelve while active", replace(C, shelving=Shelving.TIMED), AlarmEvent.UNSHELVE, PLAIN, B),
    ("8 G-A unshelve", replace(A, shelving=Shelving.TIMED), AlarmEvent.UNSHELVE, PLAIN, A),
    ("8 G-D unshelve", replace(D, shelving=Shelving.TIMED), AlarmEvent.UNSHELVE, PLAIN, D),
    ("9 any-H", B, AlarmEvent.SUPPRESS, PLAIN, replace(B, is_suppressed=True)),
    ("9 H-B while active", replace(C, is_suppressed=True), AlarmEvent.UNSUPPRESS, PLAIN, B),
    ("9 H-F underlying", replace(F, is_suppressed=True), AlarmEvent.UNSUPPRESS, PLAIN, F),
    ("10 any-I", E, AlarmEvent.OUT_OF_SERVICE, PLAIN, replace(E, is_out_of_service=True)),
    ("10 I-B while active", replace(C, is_out_of_service=True), AlarmEvent.RETURN, PLAIN, B),
    ("escalation C-B", C, AlarmEvent.ESCALATE, PLAIN, B),
]
NAMES = [row[0] for row in TABLE]
LETTERS = dict(zip("ABCDEFGHI", AlarmState, strict=True))


@pytest.mark.parametrize(
    ("before", "event", "handling", "after"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_the_transitions_of_the_standard(before: Memories, event: AlarmEvent, handling: Handling, after: Memories):
    assert advance(before, event, handling) == after


@pytest.mark.parametrize(("letter", "memories"), list(zip("ABCDEF", (A, B, C, D, E, F), strict=True)))
def test_the_state_shown_follows_from_the_memories(letter: str, memories: Memories):
    assert memories.state is LETTERS[letter]
    assert replace(memories, shelving=Shelving.TIMED).state is LETTERS["G"]
    assert replace(memories, shelving=Shelving.ONE_SHOT).state is LETTERS["G"]
    assert replace(memories, is_suppressed=True).state is LETTERS["H"]
    assert replace(memories, is_out_of_service=True).state is LETTERS["I"]


def expected_refusal(m: Memories, event: AlarmEvent) -> Refusal | None:
    """What must stand against an event, written down once more and apart from the code."""
    reset = Refusal.NOT_LATCHED if not m.is_latched else Refusal.STILL_ACTIVE if m.is_active else None
    if event is AlarmEvent.RESET:
        return reset or (None if m.is_acknowledged else Refusal.NOT_ACKNOWLEDGED)
    wrong = {
        AlarmEvent.RAISE: (m.is_active, Refusal.ALREADY_ACTIVE),
        AlarmEvent.CLEAR: (not m.is_active, Refusal.NOT_ACTIVE),
        AlarmEvent.ESCALATE: (not m.is_active, Refusal.NOT_ACTIVE),
        AlarmEvent.ACKNOWLEDGE: (m.is_acknowledged, Refusal.ALREADY_ACKNOWLEDGED),
        AlarmEvent.SHELVE_TIMED: (m.shelving is Shelving.TIMED, Refusal.ALREADY_SHELVED),
        AlarmEvent.SHELVE_ONE_SHOT: (m.shelving is Shelving.ONE_SHOT, Refusal.ALREADY_SHELVED),
        AlarmEvent.UNSHELVE: (m.shelving is Shelving.UNSHELVED, Refusal.NOT_SHELVED),
        AlarmEvent.SUPPRESS: (m.is_suppressed, Refusal.ALREADY_SUPPRESSED),
        AlarmEvent.UNSUPPRESS: (not m.is_suppressed, Refusal.NOT_SUPPRESSED),
        AlarmEvent.OUT_OF_SERVICE: (m.is_out_of_service, Refusal.ALREADY_OUT_OF_SERVICE),
        AlarmEvent.RETURN: (not m.is_out_of_service, Refusal.NOT_OUT_OF_SERVICE),
    }
    is_refused, refusal = wrong[event]
    return refusal if is_refused else None


TOUCHES = {
    AlarmEvent.RAISE: {"is_active", "is_acknowledged", "is_latched"},
    AlarmEvent.CLEAR: {"is_active"},
    AlarmEvent.ESCALATE: {"is_acknowledged"},
    AlarmEvent.ACKNOWLEDGE: {"is_acknowledged"},
    AlarmEvent.RESET: {"is_latched"},
    AlarmEvent.SHELVE_TIMED: {"shelving"},
    AlarmEvent.SHELVE_ONE_SHOT: {"shelving"},
    AlarmEvent.UNSHELVE: {"shelving", "is_acknowledged"},
    AlarmEvent.SUPPRESS: {"is_suppressed"},
    AlarmEvent.UNSUPPRESS: {"is_suppressed", "is_acknowledged"},
    AlarmEvent.OUT_OF_SERVICE: {"is_out_of_service"},
    AlarmEvent.RETURN: {"is_out_of_service", "is_acknowledged"},
}
LEAVING = (AlarmEvent.UNSHELVE, AlarmEvent.UNSUPPRESS, AlarmEvent.RETURN)


@pytest.mark.parametrize("event", AlarmEvent)
def test_every_event_in_every_memory(event: AlarmEvent):
    for before, handling in product(EVERY_MEMORY, EVERY_HANDLING):
        after = advance(before, event, handling)
        refusal = expected_refusal(before, event)
        assert after is refusal if refusal else isinstance(after, Memories), (before, event)
        if not isinstance(after, Memories):
            continue
        touched = {name for name in Memories.__slots__ if getattr(before, name) != getattr(after, name)}
        assert touched <= TOUCHES[event], (before, event)
        if event in LEAVING:
            # An active alarm that is shown again must be seen again; anything else is shown as it was underneath.
            is_shown_active = after.is_active and after.state not in ASIDE
            assert after.is_acknowledged is (False if is_shown_active else before.is_acknowledged)
        if event is AlarmEvent.RAISE:
            was_latched_and_seen = before.is_latched and before.is_acknowledged
            assert (after.is_active, after.is_acknowledged) == (True, was_latched_and_seen)
            assert after.is_latched is (before.is_latched or handling.is_latching)


def test_what_is_set_aside_is_followed_all_the_same():
    for before in EVERY_MEMORY:
        if before.state not in ASIDE:
            continue
        raised = advance(replace(before, is_active=False), AlarmEvent.RAISE, PLAIN)
        assert isinstance(raised, Memories)
        assert raised.is_active
        assert raised.state is before.state


def test_a_latched_alarm_is_not_reset_before_it_was_seen_and_is_gone():
    assert advance(LATCHED_C, AlarmEvent.RESET, LATCHING) is Refusal.STILL_ACTIVE
    assert advance(E, AlarmEvent.RESET, LATCHING) is Refusal.NOT_ACKNOWLEDGED
    assert advance(A, AlarmEvent.RESET, LATCHING) is Refusal.NOT_LATCHED


def test_a_one_shot_shelf_ends_with_the_active_period_and_a_timed_one_does_not():
    for shelving in Shelving:
        before = replace(B, shelving=shelving)
        after = advance(before, AlarmEvent.CLEAR, PLAIN)
        assert isinstance(after, Memories)
        expected = AlarmEvent.UNSHELVE if shelving is Shelving.ONE_SHOT else None
        assert consequence(after, AlarmEvent.CLEAR, PLAIN) is expected
    # Made while nothing was wrong it waits for the next active period.
    waiting = replace(A, shelving=Shelving.ONE_SHOT)
    raised = advance(waiting, AlarmEvent.RAISE, PLAIN)
    assert isinstance(raised, Memories)
    assert raised.state is AlarmState.SHELVED


def test_a_class_may_acknowledge_what_has_returned():
    auto = Handling(is_auto_acknowledged=True)
    assert consequence(D, AlarmEvent.CLEAR, auto) is AlarmEvent.ACKNOWLEDGE
    assert consequence(E, AlarmEvent.CLEAR, auto) is AlarmEvent.ACKNOWLEDGE
    assert consequence(D, AlarmEvent.CLEAR, PLAIN) is None
    assert consequence(A, AlarmEvent.CLEAR, auto) is None
    # One-shot first, then the class.
    shelved = replace(D, shelving=Shelving.ONE_SHOT)
    assert consequence(shelved, AlarmEvent.CLEAR, auto) is AlarmEvent.UNSHELVE
    assert consequence(D, AlarmEvent.UNSHELVE, auto) is AlarmEvent.ACKNOWLEDGE
    assert all(consequence(B, event, auto) is None for event in AlarmEvent)


@pytest.mark.parametrize(
    ("before", "after", "again"),
    [
        (("high", "hi"), ("critical", "hihi"), True),
        (("high", "hi"), ("high", "hihi"), True),
        (("critical", "hihi"), ("high", "hi"), False),
        (("high", "hihi"), ("high", "hi"), False),
        (("high", "hi"), ("high", "lo"), True),
        (("critical", "hihi"), ("high", "lo"), False),
        (("low", "lo"), ("medium", "lolo"), True),
        (("low", None), ("low", None), False),
        (("low", None), ("high", None), True),
    ],
)
def test_only_what_gets_worse_annunciates_again(
    before: tuple[str, str | None], after: tuple[str, str | None], again: bool
):
    assert is_escalation(before, after) is again


EVENTS = st.lists(st.sampled_from(AlarmEvent), max_size=40)


@given(EVENTS, st.sampled_from(EVERY_HANDLING))
def test_nothing_is_ever_forgotten_unseen(events: list[AlarmEvent], handling: Handling):
    """After any events: an active or latched alarm is on some list, and what is acknowledged was acknowledged."""
    memories, is_seen = Memories(), True
    for event in events:
        after = advance(memories, event, handling)
        if isinstance(after, Refusal):
            continue
        if event is AlarmEvent.ACKNOWLEDGE:
            is_seen = True
        if event is AlarmEvent.ESCALATE or (event is AlarmEvent.RAISE and not memories.is_latched):
            is_seen = False
        memories = after
        assert memories.is_acknowledged <= is_seen
        if memories.is_active or memories.is_latched or not memories.is_acknowledged:
            assert memories.state is not AlarmState.NORMAL
