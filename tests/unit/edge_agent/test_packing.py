"""From a window's samples to batches that every limit allows; nothing is lost or doubled on the way."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.outbox_content import NewBatch
from edge_agent.packing import BAD_ENCODING_LIMITS_EXCEEDED, Collected, Packer, TagBook
from schemas.batch import Batch, Gap, decode
from schemas.sample import Kind, Value

EPOCH = b"e" * 16
BOOK = TagBook.of([f"plant/line/tag-{number}" for number in range(50)])
VALUES: dict[Kind, st.SearchStrategy[Value]] = {
    Kind.F64: st.floats(allow_nan=False),
    Kind.I64: st.integers(-(2**63), 2**63 - 1),
    Kind.STR: st.text(max_size=300),
    Kind.NONE: st.none(),
}


@st.composite
def collected_samples(draw: st.DrawFn) -> Collected:
    collected = Collected(BOOK)
    for kind, values in VALUES.items():
        for value in draw(st.lists(values, max_size=40)):
            put(collected, kind, value, draw(st.integers(0, 49)), draw(st.integers(0, 2**50)))
    collected.until = draw(st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 2**50)))
    collected.gaps = [Gap(0, 5, "agent_stopped", "a")] * draw(st.integers(0, 3))
    return collected


def put(collected: Collected, kind: Kind, value: Value, tag: int, time_us: int) -> None:
    column = collected.columns[kind]
    column.tags.append(tag)
    column.times_us.append(time_us)
    column.statuses.append(0x80000000 if kind is Kind.NONE else 0)
    if value is not None:
        column.values.append(value)


def cells(batches: list[Batch]) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for batch in batches:
        tags = batch.tags or BOOK.tags
        for column in batch.columns:
            values = column.values or [None] * len(column.tags)
            found.update(
                (column.kind, tags[tag], time_us, value)
                for tag, time_us, value in zip(column.tags, column.times_us, values, strict=True)
            )
    return found


def decoded(packed: list[NewBatch]) -> list[Batch]:
    return [decode(batch.payload) for batch in packed]


def expected(collected: Collected) -> Counter[tuple[object, ...]]:
    batch = Batch("a", EPOCH, 1, 0, tags=BOOK.tags, columns=collected.finished())
    return cells([batch])


@given(collected_samples(), st.booleans(), st.sampled_from([700, 1_500, 4_000, 256 * 1024]))
def test_every_sample_is_in_one_batch_within_the_limit(collected: Collected, is_known: bool, limit: int) -> None:
    packer = Packer("gw", EPOCH, max_wire_bytes=limit)
    packed = packer.pack(collected, is_known=is_known)
    assert all(len(batch.payload) <= limit for batch in packed)
    assert [batch.seq for batch in packed] == list(range(1, packer.seq + 1))
    batches = decoded(packed)
    assert cells(batches) == expected(collected)
    assert [gap for batch in batches for gap in batch.gaps] == collected.gaps
    said: dict[str, int] = {}
    for batch in batches:
        assert not said, "samples come after the statement that all were sent"
        said |= batch.until
    assert said == collected.until


@given(collected_samples())
def test_lists_not_known_are_inline(collected: Collected) -> None:
    for is_known in (True, False):
        for batch in decoded(Packer("gw", EPOCH).pack(collected, is_known=is_known)):
            has_samples = batch.sample_count > 0
            assert batch.tags == (BOOK.tags if has_samples and not is_known else None)
            assert batch.dictionary == (BOOK.digest if has_samples and is_known else None)


def test_value_that_no_batch_can_carry_becomes_bad_and_takes_no_other_along() -> None:
    collected = Collected(BOOK)
    for number in range(100):
        put(collected, Kind.F64, float(number), number % 50, number)
    put(collected, Kind.STR, "x" * 70_000, 7, 1_000)
    put(collected, Kind.STR, "\ud800", 8, 1_001)
    put(collected, Kind.I64, 2**63, 9, 1_002)
    packer = Packer("gw", EPOCH)
    batches = decoded(packer.pack(collected, is_known=True))
    found = cells(batches)
    assert sum(found.values()) == 103
    assert sum(kind is Kind.F64 for kind, *_ in found) == 100
    assert packer.dropped_values == 3
    bad = [s for batch in batches for c in batch.columns if c.kind is Kind.NONE for s in c.statuses or ()]
    assert bad == [BAD_ENCODING_LIMITS_EXCEEDED] * 3


def test_more_samples_than_a_batch_may_have() -> None:
    collected = Collected(BOOK)
    for number in range(45_000):
        put(collected, Kind.I64, number % 7, number % 50, number)
    packed = Packer("gw", EPOCH).pack(collected, is_known=True)
    assert [batch.sample_count for batch in decoded(packed)] == [20_000, 20_000, 5_000]


@given(collected_samples(), st.sampled_from([700, 1_500]))
def test_repacking_for_a_smaller_broker_keeps_number_and_content(collected: Collected, limit: int) -> None:
    (whole,) = Packer("gw", EPOCH).pack(collected, is_known=True)
    other = b"n" * 16
    packer = Packer("gw", other, max_wire_bytes=limit, seq=41)
    if len(whole.payload) <= limit or decode(whole.payload).sample_count == 0:
        return
    head, *rest = packer.repack(decode(whole.payload))
    assert (head.epoch, head.seq) == (EPOCH, 1)
    assert [(batch.epoch, batch.seq) for batch in rest] == [(other, 42 + place) for place in range(len(rest))]
    assert all(len(batch.payload) <= limit for batch in [head, *rest])
    assert cells(decoded([head, *rest])) == expected(collected)


def test_a_lost_batch_is_missing_from_the_end_of_the_one_before() -> None:
    packer = Packer("gw", EPOCH, covered_us=100)
    spans: list[tuple[int, int]] = []
    for time_us in (500, 700, 900):
        collected = Collected(BOOK)
        put(collected, Kind.F64, 1.0, 0, time_us)
        spans += [(batch.from_us, batch.to_us) for batch in packer.pack(collected, is_known=True)]
    assert spans == [(100, 500), (500, 700), (700, 900)]
