"""How much one request may ask for: the server's operation limits, and into how many it is cut (pure)."""

from dataclasses import dataclass

CHUNK = 1_000
"""Where the server names no limit, or a larger one: bigger requests gain nothing and hold up everything else."""


@dataclass(slots=True)
class Limit:
    """The most items in one request."""

    size: int = CHUNK


def limit(stated: object, most: int = CHUNK) -> Limit:
    """The limit that a server states, but never above ours; 0 and nothing at all both mean that it states none."""
    if isinstance(stated, int) and not isinstance(stated, bool) and stated > 0:
        return Limit(min(stated, most))
    return Limit(most)


def request_count(items: int, size: int) -> int:
    """Into how many requests so many items go."""
    return -(-items // size)
