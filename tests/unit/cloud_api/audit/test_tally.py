"""Counting what there is a flood of: nothing is lost from the counts, and no more rows than allowed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.audit.tally import OTHERS, Note, Row, Tally


def note(number: int, action: str = "access.refuse") -> Note:
    return Note(f"key-{number}", None, "192.0.2.1", action, None, "refused")


EVENTS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["a.b", "c.d"]), st.floats(0, 120)), max_size=300)


@settings(max_examples=150)
@given(EVENTS, st.integers(1, 20), st.integers(1, 20))
def test_no_note_is_lost_from_the_counts(events: list[tuple[int, str, float]], rows: int, most: int):
    tally = Tally(rows_per_hour=rows, notes_max=most)
    now_s, written = 1e9, list[Row]()
    for number, action, wait_s in events:
        now_s += wait_s
        at_once = tally.note(note(number, action), {}, now_s)
        written += ([at_once] if at_once else []) + tally.due(now_s)
    written += tally.due(now_s, is_end=True)
    for action in ("a.b", "c.d"):
        counted = sum(row.count for row in written if row.note.action == action)
        assert counted == sum(1 for _, each, _ in events if each == action)
    assert all(row.first_s <= row.last_s for row in written)
    hours = (now_s - 1e9) / 3600
    assert sum(1 for row in written if row.note.who != OTHERS) <= rows * (1 + hours) + 1


def test_the_first_is_told_at_once_and_the_rest_as_one_count():
    tally = Tally()
    first = tally.note(note(1), {"why": "role-insufficient"}, 1000.0)
    assert first is not None
    assert (first.count, first.detail) == (1, {"why": "role-insufficient"})
    assert [tally.note(note(1), {}, 1000.0 + n) for n in range(1, 6)] == [None] * 5
    assert tally.due(1001.0) == []
    (row,) = tally.due(1070.0)
    assert (row.count, row.first_s, row.last_s, row.detail) == (5, 1001.0, 1005.0, {"why": "role-insufficient"})
    assert tally.due(1200.0) == []


def test_a_flood_of_different_ones_is_a_row_a_minute():
    tally = Tally(rows_per_hour=100)
    told = [tally.note(note(number), {}, 1000.0) for number in range(50_000)]
    assert sum(1 for row in told if row is not None) == 100
    assert tally.due(1000.0) == []
    (row,) = tally.due(1061.0)
    assert (row.note.who, row.note.action, row.count) == (OTHERS, "access.refuse", 49_900)


def test_what_rests_for_an_hour_is_told_at_once_again():
    tally = Tally()
    assert tally.note(note(1), {}, 0.0) is not None
    tally.due(0.0)
    tally.due(3700.0)
    assert tally.note(note(1), {}, 3701.0) is not None
