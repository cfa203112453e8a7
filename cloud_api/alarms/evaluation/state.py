"""State: what the engine remembers of one plan between calls; plain enough to live in a jsonb column (pure)."""

from typing import NamedTuple

import msgspec

NONE = -1
KEPT_CHANGES = 16


class Reading(NamedTuple):
    """One sample as the engine takes it: `value` is None where there is no number; `status` is unsigned."""

    time_us: int
    value: float | None
    status: int
    text: str | None = None


class Memory(msgspec.Struct, omit_defaults=True):
    """One level: whether its condition holds, whether that is confirmed, and the delay that runs or rests."""

    is_true: bool = False
    is_active: bool = False
    since_us: int | None = None
    deadline_us: int | None = None
    # What is left of a delay while the input is Bad.
    rest_us: int | None = None

    def copy(self) -> "Memory":
        """Make one that can be changed alone."""
        return Memory(self.is_true, self.is_active, self.since_us, self.deadline_us, self.rest_us)


class State(msgspec.Struct, omit_defaults=True):
    """One plan's state. `time_us` is the newest sample, `until_us` how far its delays have been carried on."""

    memories: list[Memory] = []
    time_us: int | None = None
    until_us: int | None = None
    value: float | None = None
    status: int = 0
    text: str | None = None
    is_bad: bool = False
    # Rate: the sample that the next one is compared with. Counter: the last one that moved.
    reference_us: int | None = None
    reference: float | None = None
    # Watchdogs: the last sign of life, and since when there have been enough of them.
    fed_us: int | None = None
    run_us: int | None = None
    # What expressions remember of the past.
    remembered: dict[str, list[float]] = {}
    # The newest changes (instant, level), oldest first: what the state was when late data begin.
    recent: list[tuple[int, int]] = []
    late: "State | None" = None
    # The leader's: the design rule that holds now.
    suppressed_by: str | None = None

    def copy(self) -> "State":
        """Make one that can be changed alone."""
        fresh = msgspec.structs.replace(self)
        fresh.memories = [memory.copy() for memory in self.memories]
        fresh.recent = list(self.recent)
        fresh.remembered = {name: list(values) for name, values in self.remembered.items()}
        return fresh

    def level_at(self, time_us: int) -> int:
        """Which level was active just before an instant, as far as is remembered."""
        level = NONE
        for at_us, changed in self.recent:
            if at_us >= time_us:
                break
            level = changed
        return level

    @property
    def next_us(self) -> int | None:
        """When the next delay runs out; None when none runs."""
        running = [memory.deadline_us for memory in self.memories if memory.deadline_us is not None]
        return min(running, default=None)


def active_level(memories: list[Memory]) -> int:
    """Return the outermost level that is confirmed: levels stand from the outermost inwards on each side."""
    for index, memory in enumerate(memories):
        if memory.is_active:
            return index
    return NONE
