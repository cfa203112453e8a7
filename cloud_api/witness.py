"""What the outermost middleware tells of each answer, and who listens: the audit, and the watch for attacks."""

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
