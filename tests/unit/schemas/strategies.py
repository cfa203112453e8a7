"""Hypothesis strategies for everything that a batch may hold."""

import math
from collections.abc import Sequence

from hypothesis import strategies as st

from schemas.batch import Batch, Column, Gap, dictionary_hash
from schemas.sample import Kind, Value
from schemas.status import MAX_STATUS


def one_nan(value: float) -> float:
    """Return the same NaN for every NaN: the JSON form has only one."""
    return math.nan if math.isnan(value) else value


INT64 = st.integers(-(2**63), 2**63 - 1)
EPOCHS = st.binary(min_size=16, max_size=16)
SEQS = st.integers(1, 2**63 - 2)
NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
TEXTS = st.text(max_size=20)
PATHS = st.lists(TEXTS, max_size=6)
VALUES = {
    Kind.F64: st.floats().map(one_nan),
    Kind.F32: st.floats(width=32).map(one_nan),
    Kind.I64: INT64,
    Kind.U64: st.integers(0, 2**64 - 1),
    Kind.BOOL: st.booleans(),
    Kind.STR: TEXTS,
    Kind.JSON: st.sampled_from(['{"a":1}', "[]", "null"]),
}


@st.composite
def columns(draw: st.DrawFn, tag_count: int) -> Column:
    """Draw one column over a tag list of this length."""
    kind = draw(st.sampled_from(list(Kind)))
    count = draw(st.integers(0, 12)) if tag_count else 0
    statuses = draw(st.none() | st.lists(st.integers(0, MAX_STATUS), min_size=count, max_size=count).filter(any))
    values: Sequence[Value] | None = None
    if kind is not Kind.NONE:
        values = draw(st.lists(VALUES[kind], min_size=count, max_size=count))
    return Column(
        kind=kind,
        tags=draw(st.lists(st.integers(0, max(tag_count - 1, 0)), min_size=count, max_size=count)),
        times_us=draw(st.lists(INT64, min_size=count, max_size=count)),
        statuses=statuses,
        values=values,
    )


@st.composite
def gaps(draw: st.DrawFn) -> Gap:
    """Draw one gap."""
    from_us, to_us = sorted((draw(INT64), draw(INT64)))
    first, last = sorted((draw(SEQS), draw(SEQS)))
    return Gap(
        from_us=from_us,
        to_us=to_us,
        reason=draw(st.sampled_from(["agent_stopped", "outbox_full", "a_reason_of_tomorrow"])),
        device=draw(st.none() | NAMES),
        tags=draw(st.none() | PATHS.map(tuple)),
        batches=draw(st.none() | st.tuples(EPOCHS, st.just(first), st.just(last))),
    )


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """Draw one batch that the protocol allows."""
    tags = tuple(draw(PATHS))
    is_inline = draw(st.booleans())
    return Batch(
        agent=draw(NAMES),
        epoch=draw(EPOCHS),
        seq=draw(SEQS),
        base_us=draw(INT64),
        tags=tags if is_inline else None,
        dictionary=None if is_inline else dictionary_hash(tags),
        columns=tuple(draw(st.lists(columns(len(tags)), max_size=4))),
        until=draw(st.dictionaries(NAMES, INT64, max_size=3)),
        gaps=tuple(draw(st.lists(gaps(), max_size=3))),
    )
