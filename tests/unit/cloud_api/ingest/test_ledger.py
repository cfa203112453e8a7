"""Ranges of batch numbers, and what they say of a number that comes again."""

from hypothesis import given
from hypothesis import strategies as st

from cloud_api.ingest.ledger import MAX_RANGES, RECENT_COUNT, LedgerChange, LedgerEntry, Ranges, Verdict
from cloud_api.storage.ledger import ranges_of

PAIRS = st.lists(st.tuples(st.integers(1, 200), st.integers(0, 30)).map(lambda p: (p[0], p[0] + p[1])), max_size=30)


@given(PAIRS)
def test_ranges_are_the_set_that_was_added(pairs: list[tuple[int, int]]) -> None:
    ranges, members = Ranges(pairs), {n for low, high in pairs for n in range(low, high + 1)}
    assert {n for low, high in ranges for n in range(low, high + 1)} == members
    assert all(high + 1 < next_low for (_, high), (next_low, _) in zip(list(ranges), list(ranges)[1:], strict=False))
    assert [n in ranges for n in range(250)] == [n in members for n in range(250)]
    through = 0
    while through + 1 in members:
        through += 1
    assert ranges.through() == through


@given(PAIRS)
def test_the_text_form_is_the_one_of_postgres(pairs: list[tuple[int, int]]) -> None:
    canonical = "{" + ",".join(f"[{low},{high + 1})" for low, high in Ranges(pairs)) + "}"
    assert ranges_of(canonical) == list(Ranges(pairs))


def test_a_repeated_number_is_told_from_one_used_twice() -> None:
    entry = LedgerEntry(stored=Ranges([(1, 5)]), rejected=Ranges([(7, 7)]), lost=Ranges([(6, 6)]))
    entry.recent[5] = 111
    change = LedgerChange()
    assert change.judge(entry, 5, 111) is Verdict.REPEATED
    assert change.judge(entry, 5, 222) is Verdict.REUSED
    assert change.judge(entry, 4, 222) is Verdict.REPEATED, "its CRC is forgotten"
    assert change.judge(entry, 7, 1) is Verdict.REPEATED
    assert change.judge(entry, 6, 1) is Verdict.FRESH, "declared lost, and here after all"
    change.stored.add(8, 8)
    change.recent[8] = 333
    assert change.judge(entry, 8, 333) is Verdict.REPEATED
    assert change.judge(entry, 8, 334) is Verdict.REUSED
    entry.apply(change)
    assert list(entry.settled) == [(1, 8)]


def test_only_the_newest_checksums_are_kept() -> None:
    entry = LedgerEntry()
    for seq in range(1, RECENT_COUNT + 11):
        entry.apply(LedgerChange(stored=Ranges([(seq, seq)]), recent={seq: seq}))
    assert list(entry.recent) == list(range(11, RECENT_COUNT + 11))


def test_a_publisher_that_leaves_holes_cannot_make_the_row_grow() -> None:
    entry = LedgerEntry()
    for seq in range(1, 20_001, 2):
        change = LedgerChange(stored=Ranges([(seq, seq)]))
        entry.close_old_holes(change)
        entry.apply(change)
        assert len(entry.settled) <= MAX_RANGES + 1
    assert entry.settled.through() > 18_000
    assert 2 in entry.lost
    assert 19_998 not in entry.lost
