"""What one query may cost, and the refusal of what would cost more, with what would fit."""

from dataclasses import dataclass

from cloud_api.instants import format_span
from cloud_api.problems import Kinds, Problem
from cloud_api.query.buckets import Window


@dataclass(frozen=True, slots=True)
class Budget:
    """What one query may cost."""

    samples: int
    rows: int
    timeout_s: float


def too_large(what: str, estimate: int, budget: int, window: Window) -> Problem:
    """Refuse a query that would read so many samples, make so many buckets, or answer with so many rows."""
    verb = {"rows": "answer with", "buckets": "make"}.get(what, "read")
    fitting_us = max(1, window.span_us * budget // estimate)
    detail = (
        f"it would {verb} {estimate} {what} or more, and {budget} are allowed in one query: ask for a longer interval, "
        f"fewer series or a shorter window (about {format_span(fitting_us)}); "
        "GET /api/v1/series/{id}/samples pages through raw samples of any length"
    )
    return Problem(Kinds.QUERY_TOO_LARGE, detail, more={"what": what, "estimate": estimate, "budget": budget})
