"""What is told of each answer and of each committed batch, and who listens: the audit, and who watches for attacks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cloud_api.origin import Origin


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: who asked for what, and what came of it. `route` is a template, `path` what it was filled with.

    `problem` names the kind of problem document, `media_type` stands without its parameters.
    """

    origin: Origin
    method: str
    route: str
    path: str
    query: str
    status: int
    media_type: str
    problem: str | None


class Witness(Protocol):
    """Sees answers before their first byte leaves."""

    async def see(self, answer: Answer) -> None:
        """Take note. What is raised here keeps the answer back."""
        ...


@dataclass(frozen=True, slots=True)
class Observation:
    """One batch. `untils` says up to when each device was measured, by the agent's clock, in Unix microseconds.

    `reasons` are those of RejectReason for which something of it was put aside; `tags` are those that the agent names.
    """

    agent: str
    epoch: bytes | None
    seq: int | None
    is_live: bool
    received_us: int
    untils: Mapping[str, int]
    samples: int
    tags: int
    reasons: frozenset[str]
    detail: str | None = None


Observe = Callable[[Sequence[Observation]], None]
