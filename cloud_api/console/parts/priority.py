"""Priorities and states of alarms: shape, number and word, and colour beside them (ISA-101: colour is never alone)."""

from cloud_api.console.parts.html import element
from cloud_api.console.words import Words

# 1 is the highest; the number stands inside the shape.
PRIORITIES = ("critical", "high", "medium", "low")


def priority_mark(text: Words, priority: str) -> None:
    """The mark of a priority: a shape of its own with its number."""
    rank = PRIORITIES.index(priority) + 1 if priority in PRIORITIES else 0
    name = text.maybe(f"priority.{priority}", priority)
    element("span", f"ms-prio ms-prio-{priority}", role="img", title=name, aria_label=name, data_rank=rank)


def state_word(text: Words, state: str) -> str:
    """The word of an alarm's state."""
    return text.maybe(f"state.{state}", state)
