"""What sealing and verifying ask of a table: its form, and the storage functions that read and mark its rows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from cloud_api.sealing.chain import Form, Row
from cloud_api.storage.pool import Connection


@dataclass(frozen=True, slots=True)
class SealedTable(Generic[Row]):
    """One table that is sealed; all functions work in the transaction of their connection."""

    form: Form[Row]
    # The number and hash of the last sealed row; `lock_head` keeps everybody else from sealing.
    lock_head: Callable[[Connection], Awaitable[tuple[int, bytes]]]
    select_head: Callable[[Connection], Awaitable[tuple[int, bytes]]]
    # Committed rows without a number, each with its id, at most so many.
    select_unsealed: Callable[[Connection, int], Awaitable[list[tuple[int, Row]]]]
    update_sealed: Callable[[Connection, Sequence[int], Sequence[int], Sequence[bytes]], Awaitable[None]]
    select_after: Callable[[Connection, int, int], Awaitable[list[Row]]]
    # How many wait to be sealed, and since when.
    select_unsealed_count: Callable[[Connection], Awaitable[tuple[int, datetime | None]]]
