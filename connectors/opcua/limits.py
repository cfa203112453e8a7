"""How much one request may ask for: the server's operation limits, and what its refusals teach (pure)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

CHUNK = 1_000
"""Where the server names no limit, or a larger one: bigger requests gain nothing and hold up everything else."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


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


async def in_chunks(
    items: Sequence[Item],
    most: Limit,
    call: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
    is_too_much: Callable[[Exception], bool],
) -> list[Answer]:
    """Ask for all items piece by piece; a piece that is refused as too large is halved, and that is remembered."""
    answers: list[Answer] = []
    while len(answers) < len(items):
        piece = items[len(answers) : len(answers) + most.size]
        try:
            answer = await call(piece)
        except Exception as error:
            if len(piece) == 1 or not is_too_much(error):
                raise
            most.size = len(piece) // 2
            continue
        if len(answer) != len(piece):
            raise ValueError(f"{len(answer)} answers to {len(piece)} questions")
        answers.extend(answer)
    return answers
