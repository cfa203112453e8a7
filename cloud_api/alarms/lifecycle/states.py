"""The life cycle of an alarm after ISA-18.2 / IEC 62682 and OPC UA Part 9: memories, events, the state shown (pure).

Six memories are kept apart; the state that is shown follows from them. Whoever leaves a shelf, a suppression or an
out-of-service while the condition holds is unacknowledged again: it has not been shown since.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

PRIORITIES = ("critical", "high", "medium", "low")
# How far each level is from normal, and to which side.
_LEVELS = {"hihi": 2, "hi": 1, "lo": -1, "lolo": -2}


class AlarmState(StrEnum):
    """What is shown of an alarm; the letters are those of ISA-18.2's diagram."""

    NORMAL = "normal"  # A
    UNACKNOWLEDGED = "unacknowledged"  # B
    ACKNOWLEDGED = "acknowledged"  # C
    RETURNED = "returned"  # D
    LATCHED_UNACKNOWLEDGED = "latched_unacknowledged"  # E
    LATCHED = "latched"  # F
    SHELVED = "shelved"  # G
    SUPPRESSED = "suppressed"  # H
    OUT_OF_SERVICE = "out_of_service"  # I


# Shown in lists of their own only; their condition is followed and journalled all the same.
ASIDE = frozenset({AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE})


class Shelving(StrEnum):
    """The states of OPC UA Part 9's ShelvingState."""

    UNSHELVED = "unshelved"
    TIMED = "timed_shelved"
    ONE_SHOT = "one_shot_shelved"


class AlarmEvent(StrEnum):
    """What can happen to an alarm."""

    RAISE = "raise"
    CLEAR = "clear"
    ESCALATE = "escalate"
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    SHELVE_TIMED = "shelve_timed"
    SHELVE_ONE_SHOT = "shelve_one_shot"
    UNSHELVE = "unshelve"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"
    OUT_OF_SERVICE = "out_of_service"
    RETURN = "return"


class Refusal(StrEnum):
    """Why an event is not possible now."""

    ALREADY_ACKNOWLEDGED = "already_acknowledged"
    ALREADY_SHELVED = "already_shelved"
    NOT_SHELVED = "not_shelved"
    ALREADY_OUT_OF_SERVICE = "already_out_of_service"
    NOT_OUT_OF_SERVICE = "not_out_of_service"
    NOT_LATCHED = "not_latched"
    STILL_ACTIVE = "still_active"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    ALREADY_ACTIVE = "already_active"
    NOT_ACTIVE = "not_active"
    ALREADY_SUPPRESSED = "already_suppressed"
    NOT_SUPPRESSED = "not_suppressed"


@dataclass(frozen=True, slots=True)
class Memories:
    """What is remembered of an alarm, each for itself."""

    is_active: bool = False
    is_acknowledged: bool = True
    is_latched: bool = False
    shelving: Shelving = Shelving.UNSHELVED
    is_suppressed: bool = False
    is_out_of_service: bool = False

    @property
    def state(self) -> AlarmState:
        """What is shown. Who set it aside with the most say comes first: an engineer, then an operator, then a rule."""
        if self.is_out_of_service:
            return AlarmState.OUT_OF_SERVICE
        if self.shelving is not Shelving.UNSHELVED:
            return AlarmState.SHELVED
        if self.is_suppressed:
            return AlarmState.SUPPRESSED
        return self.underlying

    @property
    def underlying(self) -> AlarmState:
        """What would be shown if nobody had set it aside."""
        if self.is_active:
            return AlarmState.ACKNOWLEDGED if self.is_acknowledged else AlarmState.UNACKNOWLEDGED
        if self.is_latched:
            return AlarmState.LATCHED if self.is_acknowledged else AlarmState.LATCHED_UNACKNOWLEDGED
        return AlarmState.NORMAL if self.is_acknowledged else AlarmState.RETURNED


@dataclass(frozen=True, slots=True)
class Handling:
    """What the definition says of how its alarms are handled."""

    is_latching: bool = False
    is_auto_acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class _Rule:
    """One event: what stands against it, and what it does."""

    refuse: Callable[[Memories], Refusal | None]
    apply: Callable[[Memories, Handling], Memories]


def advance(memories: Memories, event: AlarmEvent, handling: Handling) -> Memories | Refusal:
    """Let one event happen; the memories after it, or why it cannot happen now (then nothing changes)."""
    rule = _RULES[event]
    refusal = rule.refuse(memories)
    return refusal if refusal is not None else rule.apply(memories, handling)


def consequence(memories: Memories, event: AlarmEvent, handling: Handling) -> AlarmEvent | None:
    """Name the event that happens by itself after `event` has led to `memories`; None most of the time.

    A one-shot shelf ends with the active period (Part 9); a class may acknowledge what has returned to normal.
    """
    if event not in {AlarmEvent.CLEAR, AlarmEvent.UNSHELVE}:
        return None
    if event is AlarmEvent.CLEAR and memories.shelving is Shelving.ONE_SHOT:
        return AlarmEvent.UNSHELVE
    is_gone = not memories.is_active and not memories.is_acknowledged
    return AlarmEvent.ACKNOWLEDGE if is_gone and handling.is_auto_acknowledged else None


def is_escalation(before: tuple[str, str | None], after: tuple[str, str | None]) -> bool:
    """Say whether a change of (priority, level) of an active alarm must annunciate again.

    Up in priority, further from normal, or to the other side; on the way down nobody is called.
    """
    rank_before, rank_after = PRIORITIES.index(before[0]), PRIORITIES.index(after[0])
    if rank_before != rank_after:
        return rank_after < rank_before
    far_before, far_after = _LEVELS.get(before[1] or "", 0), _LEVELS.get(after[1] or "", 0)
    is_other_side = far_before * far_after < 0
    return is_other_side or abs(far_after) > abs(far_before)


def _refuse_when(is_refused: Callable[[Memories], bool], refusal: Refusal) -> Callable[[Memories], Refusal | None]:
    return lambda memories: refusal if is_refused(memories) else None


def _refuse_shelving_as(shelving: Shelving) -> Callable[[Memories], Refusal | None]:
    # Part 9: from one kind of shelf to the other is a transition, from a shelf to the same kind is none.
    return _refuse_when(lambda memories: memories.shelving is shelving, Refusal.ALREADY_SHELVED)


def _refuse_reset(memories: Memories) -> Refusal | None:
    if not memories.is_latched:
        return Refusal.NOT_LATCHED
    if memories.is_active:
        return Refusal.STILL_ACTIVE
    return None if memories.is_acknowledged else Refusal.NOT_ACKNOWLEDGED


def _raise(memories: Memories, handling: Handling) -> Memories:
    # A latched alarm never left: what was acknowledged of it stays so when the condition comes back (F to C).
    return replace(
        memories,
        is_active=True,
        is_acknowledged=memories.is_latched and memories.is_acknowledged,
        is_latched=memories.is_latched or handling.is_latching,
    )


def _shelve(shelving: Shelving) -> Callable[[Memories, Handling], Memories]:
    return lambda memories, _: replace(memories, shelving=shelving)


def _come_back(memories: Memories) -> Memories:
    """An active alarm that is shown again has to be seen again."""
    if memories.is_active and memories.state not in ASIDE:
        return replace(memories, is_acknowledged=False)
    return memories


_RULES: dict[AlarmEvent, _Rule] = {
    AlarmEvent.RAISE: _Rule(_refuse_when(lambda m: m.is_active, Refusal.ALREADY_ACTIVE), _raise),
    AlarmEvent.CLEAR: _Rule(
        _refuse_when(lambda m: not m.is_active, Refusal.NOT_ACTIVE), lambda m, _: replace(m, is_active=False)
    ),
    AlarmEvent.ESCALATE: _Rule(
        _refuse_when(lambda m: not m.is_active, Refusal.NOT_ACTIVE), lambda m, _: replace(m, is_acknowledged=False)
    ),
    AlarmEvent.ACKNOWLEDGE: _Rule(
        _refuse_when(lambda m: m.is_acknowledged, Refusal.ALREADY_ACKNOWLEDGED),
        lambda m, _: replace(m, is_acknowledged=True),
    ),
    AlarmEvent.RESET: _Rule(_refuse_reset, lambda m, _: replace(m, is_latched=False)),
    AlarmEvent.SHELVE_TIMED: _Rule(_refuse_shelving_as(Shelving.TIMED), _shelve(Shelving.TIMED)),
    AlarmEvent.SHELVE_ONE_SHOT: _Rule(_refuse_shelving_as(Shelving.ONE_SHOT), _shelve(Shelving.ONE_SHOT)),
    AlarmEvent.UNSHELVE: _Rule(
        _refuse_when(lambda m: m.shelving is Shelving.UNSHELVED, Refusal.NOT_SHELVED),
        lambda m, _: _come_back(replace(m, shelving=Shelving.UNSHELVED)),
    ),
    AlarmEvent.SUPPRESS: _Rule(
        _refuse_when(lambda m: m.is_suppressed, Refusal.ALREADY_SUPPRESSED),
        lambda m, _: replace(m, is_suppressed=True),
    ),
    AlarmEvent.UNSUPPRESS: _Rule(
        _refuse_when(lambda m: not m.is_suppressed, Refusal.NOT_SUPPRESSED),
        lambda m, _: _come_back(replace(m, is_suppressed=False)),
    ),
    AlarmEvent.OUT_OF_SERVICE: _Rule(
        _refuse_when(lambda m: m.is_out_of_service, Refusal.ALREADY_OUT_OF_SERVICE),
        lambda m, _: replace(m, is_out_of_service=True),
    ),
    AlarmEvent.RETURN: _Rule(
        _refuse_when(lambda m: not m.is_out_of_service, Refusal.NOT_OUT_OF_SERVICE),
        lambda m, _: _come_back(replace(m, is_out_of_service=False)),
    ),
}
