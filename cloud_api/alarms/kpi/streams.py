"""Journal rows as columns: what each row means, and the stretch of time in which it holds (pure)."""

from dataclasses import dataclass
from enum import IntFlag, StrEnum

import numpy as np
from numpy.typing import NDArray

PRIORITIES = ("critical", "high", "medium", "low")


class RowFlag(IntFlag):
    """What a journal row says; the priority's place in PRIORITIES stands above these bits."""

    RAISED = 1
    CLEARED = 2
    HIDDEN = 4  # shelved, suppressed or out of service after this row
    UNACKNOWLEDGED = 8  # waits for an acknowledgement after this row
    UNCOVERED = 16  # leaves the shelf, suppression or being out of service
    REALARMED = 32  # raised again before anybody had acknowledged
    LIFTED = 64  # went to a worse level and sounded anew


PRIORITY_SHIFT = 8


class Hidden(StrEnum):
    """Whether alarms count that were shelved, suppressed or out of service when they were raised."""

    EXCLUDE = "exclude"
    INCLUDE = "include"


@dataclass(frozen=True, slots=True)
class JournalColumns:
    """Rows sorted by alarm, then time; `alarms` numbers the alarms, `flags` are RowFlags and the priority.

    Rows before the window say in which state an alarm entered it. Late rows have no place here: nobody was told.
    """

    times_us: NDArray[np.int64]
    alarms: NDArray[np.int32]
    flags: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.times_us)


@dataclass(frozen=True, slots=True)
class Stretches:
    """What holds from each row to the next of the same alarm, or to the end of the window."""

    ends_us: NDArray[np.int64]
    is_active: NDArray[np.bool_]
    raised_us: NDArray[np.int64]  # since when it is active; meaningless where it is not
    raise_rows: NDArray[np.int64]  # the row that raised it
    is_annunciated: NDArray[np.bool_]  # this row put an alarm before the operator


def find_stretches(rows: JournalColumns, to_us: int, hidden: Hidden) -> Stretches:
    """Derive the memories of each alarm after each of its rows."""
    count = len(rows)
    numbers = np.arange(count)
    is_first = np.ones(count, np.bool_)
    is_first[1:] = rows.alarms[1:] != rows.alarms[:-1]
    firsts = np.maximum.accumulate(np.where(is_first, numbers, 0))
    ends_us = np.full(count, to_us)
    ends_us[:-1][~is_first[1:]] = rows.times_us[1:][~is_first[1:]]
    is_turn = (rows.flags & (RowFlag.RAISED | RowFlag.CLEARED)) != 0
    turns = np.maximum.accumulate(np.where(is_turn, numbers, -1)) if count else numbers
    turns = np.where(turns < firsts, -1, turns)
    is_active = (turns >= 0) & (has(rows.flags[turns], RowFlag.RAISED) if count else False)
    return Stretches(
        ends_us=np.minimum(ends_us, to_us),
        is_active=is_active,
        raised_us=rows.times_us[turns] if count else rows.times_us,
        raise_rows=turns,
        is_annunciated=_annunciated(rows.flags, is_active, hidden),
    )


def has(flags: NDArray[np.int32], flag: RowFlag) -> NDArray[np.bool_]:
    """Say for each row whether it has the flag."""
    return (flags & flag) != 0


def priorities_of(flags: NDArray[np.int32]) -> NDArray[np.int32]:
    """Read the place in PRIORITIES of each row."""
    return flags >> PRIORITY_SHIFT


def _annunciated(flags: NDArray[np.int32], is_active: NDArray[np.bool_], hidden: Hidden) -> NDArray[np.bool_]:
    """Mark what an operator heard: raises and worse levels in sight, and what came out of hiding while it was active.

    With `include` every raise and worse level counts, in sight or not, and coming out of hiding is no second one.
    """
    is_new = has(flags, RowFlag.RAISED) | has(flags, RowFlag.LIFTED)
    if hidden is Hidden.INCLUDE:
        return is_new
    is_uncovered = has(flags, RowFlag.UNCOVERED) & has(flags, RowFlag.UNACKNOWLEDGED) & is_active
    return (is_new | is_uncovered) & ~has(flags, RowFlag.HIDDEN)
