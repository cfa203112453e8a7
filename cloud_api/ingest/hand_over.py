"""Handing samples over to the roller of the same process while they are stored."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from cloud_api.storage.rows import SampleRows


class HandOver(Protocol):
    """Who holds samples that are stored now, so that they need not be read again soon."""

    def restart(self) -> None:
        """This process owns ingest from now on; what was written before was written by others."""
        ...

    def hold(self, rows: SampleRows) -> UUID | None:
        """Hold these rows, all of which are new; the name to tell them by, or None where nobody wants them."""
        ...

    def release(self, name: UUID) -> None:
        """They were not stored after all."""
        ...


@contextmanager
def held(hand_over: HandOver | None, rows: SampleRows) -> Generator[UUID | None]:
    """Give the name under which the rows are held; whatever fails inside, they are let go."""
    name = None if hand_over is None else hand_over.hold(rows)
    try:
        yield name
    except BaseException:
        if hand_over is not None and name is not None:
            hand_over.release(name)
        raise
