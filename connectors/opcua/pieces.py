"""Many items in requests that the server accepts, one after the other or several on the way."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from connectors.opcua.limits import Limit, request_count

Item = TypeVar("Item")
Answer = TypeVar("Answer")


async def in_chunks(
    items: Sequence[Item],
    most: Limit,
    call: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
    is_too_much: Callable[[Exception], bool],
    at_once: int = 1,
) -> list[Answer]:
    """Ask for all items piece by piece, so many requests at once; the answers are in the order of the items.

    A piece that is refused as too large is halved, and that is remembered.
    """
    found: dict[int, Sequence[Answer]] = {}
    position = 0

    async def ask() -> None:
        nonlocal position
        while position < len(items):
            first, piece = position, items[position : position + most.size]
            position += len(piece)
            found[first] = await _answers(piece, most, call, is_too_much)

    await _all_or_none([ask() for _ in range(min(at_once, request_count(len(items), most.size)))])
    return [answer for first in sorted(found) for answer in found[first]]


async def _answers(
    piece: Sequence[Item],
    most: Limit,
    call: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
    is_too_much: Callable[[Exception], bool],
) -> Sequence[Answer]:
    try:
        answer = await call(piece)
    except Exception as error:
        if len(piece) == 1 or not is_too_much(error):
            raise
        most.size = min(most.size, len(piece) // 2)  # another piece may have taught us a smaller one meanwhile
        return await in_chunks(piece, most, call, is_too_much)
    if len(answer) != len(piece):
        raise ValueError(f"{len(answer)} answers to {len(piece)} questions")
    return answer


async def _all_or_none(askers: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run all; when one fails, end the others and raise why."""
    if len(askers) == 1:
        await askers[0]
        return
    tasks = [asyncio.ensure_future(asker) for asker in askers]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
