"""What is held and kept is bounded, whatever is said; and the newest is what stays."""

from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Chapter, Exchange, Trouble
from edge_agent.recorder import tape
from edge_agent.recorder.ring import BUFFER_BYTES, LONGEST_RECORD_BYTES, MAX_OPENING_BYTES, Ring, Stretch
from edge_agent.recorder.shelf import AFTER_FAILURE_US, BEFORE_FAILURE_US, Kept, Limits, Shelf, expired

HEAD = tape.Head("gw-1", "pump", "modbus")
PENDING = 16 << 10
ONE_BLOCK = BUFFER_BYTES + LONGEST_RECORD_BYTES + 64
KEPT = st.builds(
    lambda first, length, has_failure, size: Kept(
        f"{first}-{first + length}-{size}-{has_failure}", first, first + length, has_failure, size
    ),
    st.integers(0, 2_000_000_000),
    st.integers(0, 60_000_000),
    st.booleans(),
    st.integers(1, 100_000),
)
LIMITS = st.builds(
    Limits, st.integers(0, 600_000_000), st.integers(0, 2_000_000_000), st.integers(1, 500_000)
)  # fmt: skip


def read(stretch: Stretch) -> tape.Recording:
    return tape.read(tape.opening(HEAD) + stretch.blocks)


@given(
    st.lists(st.tuples(st.integers(0, 600), st.randoms(use_true_random=False)), min_size=1, max_size=200),
    st.integers(1, 20),
)
def test_memory_is_bounded_and_every_exchange_is_held_or_counted(answers: list[tuple[int, object]], times: int) -> None:
    ring = Ring(PENDING)
    at_us = 0
    for length, random in answers * times:
        at_us += 1
        ring.note(Exchange(at_us, 1, b"q", random.randbytes(length)))  # pyright: ignore[reportAttributeAccessIssue]
        assert ring.held_bytes <= PENDING + ONE_BLOCK
    taken = ring.take()
    assert taken is not None
    recording = read(taken)
    assert len(recording.exchanges) + recording.lost == at_us
    assert [each.asked_us for each in recording.exchanges] == list(range(1 + recording.lost, at_us + 1))
    assert (taken.first_us, taken.last_us) == (1 + recording.lost, at_us)
    assert ring.take() is None
    assert ring.held_bytes == 0


def test_the_newest_block_stays_however_large_it_is_packed() -> None:
    ring = Ring(PENDING)
    ring.note(Exchange(1, 1, b"q", Random(1).randbytes(2 * PENDING)))
    ring.note(Exchange(2, 1, b"q", Random(2).randbytes(2 * PENDING)))
    taken = ring.take()
    assert taken is not None
    assert (read(taken).lost, [each.asked_us for each in read(taken).exchanges]) == (1, [2])


def test_a_record_beyond_measure_is_counted_only() -> None:
    ring = Ring(PENDING)
    ring.note(Exchange(1, 1, b"q", bytes(LONGEST_RECORD_BYTES + 1)))
    ring.note(Exchange(2, 1, b"q", b"a"))
    taken = ring.take()
    assert taken is not None
    assert (read(taken).lost, len(read(taken).exchanges)) == (1, 1)


def test_only_the_beginning_of_a_failure_marks_a_stretch() -> None:
    ring = Ring(PENDING)
    marks: list[bool] = []
    for at_us, trouble in enumerate([None, Trouble.SILENT, Trouble.LOST, None, None, Trouble.REFUSED], start=1):
        ring.note(Exchange(at_us, 1, b"q", None if trouble else b"a", trouble))
        taken = ring.take()
        assert taken is not None
        marks.append(taken.has_failure)
    assert marks == [False, True, False, False, False, True]


def opening(ring: Ring, chapter: Chapter, *at_us: int) -> None:
    for each in at_us:
        ring.note_opening(Exchange(each, 1, b"q", b"a"), chapter)


def times(stretch: Stretch) -> list[int]:
    return [each.asked_us for each in read(stretch).exchanges]


def test_an_opening_is_given_whole_when_it_has_grown() -> None:
    ring = Ring(PENDING)
    opening(ring, Chapter.SESSION, 1, 2)
    opening(ring, Chapter.SUBSCRIPTION, 3)
    first = ring.take_openings()
    assert [(each.chapter, times(each)) for each in first] == [
        (Chapter.SESSION, [1, 2]), (Chapter.SUBSCRIPTION, [3]),
    ]  # fmt: skip
    assert ring.take_openings() == []
    opening(ring, Chapter.SUBSCRIPTION, 4)
    (grown,) = ring.take_openings()
    assert (grown.first_us, times(grown)) == (3, [3, 4])
    assert read(grown).begins_us == 0, "nothing in it but an opening"


def test_a_chapter_that_begins_anew_leaves_the_old_one_to_be_written() -> None:
    ring = Ring(PENDING)
    opening(ring, Chapter.SESSION, 1)
    ring.begin(Chapter.SESSION)
    ring.begin(Chapter.SESSION)
    assert [times(each) for each in ring.take_openings()] == [[1]], "an attempt that came to nothing changes nothing"
    opening(ring, Chapter.SESSION, 5)
    opening(ring, Chapter.SESSION, 6)
    assert [times(each) for each in ring.take_openings()] == [[5, 6]]


def test_an_opening_is_bounded() -> None:
    ring = Ring(PENDING)
    noise = Random(1)
    for at_us in range(10):
        ring.note_opening(Exchange(at_us, 1, b"q", noise.randbytes(100_000)), Chapter.SESSION)
    (stretch,) = ring.take_openings()
    assert 400_000 < len(stretch.blocks) <= MAX_OPENING_BYTES
    ring.note(Exchange(11, 1, b"q", b"a"))
    taken = ring.take()
    assert taken is not None
    assert read(taken).lost == 5


def kept(first_us: int, last_us: int, chapter: Chapter | None = None, size: int = 10) -> Kept:
    return Kept(f"{first_us}-{last_us}-{chapter}", first_us, last_us, has_failure=False, bytes=size, chapter=chapter)


def test_openings_stay_as_long_as_what_follows_them() -> None:
    minute = 60_000_000
    old, new, newest = (kept(at * minute, at * minute, Chapter.SESSION) for at in (0, 5, 20))
    stretches = [kept(at * minute, (at + 1) * minute) for at in range(30)]
    limits = Limits(12 * minute, 0, 1 << 20)
    gone = expired([old, new, newest, *stretches], 30 * minute, limits)
    assert [each.chapter for each in gone if each.chapter] == [Chapter.SESSION], "the second covers minutes 17 to 20"
    assert old in gone
    gone = expired([old, new, newest, *stretches], 300 * minute, limits)
    assert newest not in gone, "what comes next may need it"
    small = Limits(12 * minute, 0, 35)
    gone = expired([new, newest, *stretches], 30 * minute, small)
    assert [each for each in (new, newest, *stretches) if each not in gone] == [newest, *stretches[-2:]]
    assert expired([newest], 30 * minute, Limits(minute, 0, 5)) == [newest], "the limit counts more than anything"


@given(st.lists(KEPT, max_size=30, unique_by=lambda each: each.name), LIMITS, st.integers(0, 2_500_000_000))
def test_what_stays_has_room_and_a_reason(kept: list[Kept], limits: Limits, now_us: int) -> None:
    gone = expired(kept, now_us, limits)
    stays = [each for each in kept if each not in gone]
    assert sum(each.bytes for each in stays) <= limits.max_bytes
    failures = [each for each in kept if each.has_failure and each.last_us >= now_us - limits.failures_us]

    def has_reason(each: Kept) -> bool:
        return each.last_us >= now_us - limits.last_us or any(
            each.last_us >= failure.first_us - BEFORE_FAILURE_US and each.first_us <= failure.last_us + AFTER_FAILURE_US
            for failure in failures
        )

    assert all(has_reason(each) for each in stays)
    dropped_for_room = [each for each in gone if has_reason(each)]
    assert all(each.last_us <= other.last_us for each in dropped_for_room for other in stays)
    if dropped_for_room:
        newest = max(dropped_for_room, key=lambda each: (each.last_us, each.first_us, each.name))
        assert sum(each.bytes for each in stays) + newest.bytes > limits.max_bytes


def test_files_of_the_shelf_are_whole_private_and_swept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "pump.ring")
    ring = Ring(PENDING)
    for at_us in (1_000, 2_000, 900_000_000):
        ring.note(Exchange(at_us, 5, b"q", b"a"))
        stretch = ring.take()
        assert stretch is not None
        shelf.put(HEAD, stretch)
    (tmp_path / "pump.ring" / "1-2.new").write_bytes(b"torn")
    (tmp_path / "pump.ring" / "somebody's notes").write_bytes(b"not ours")
    assert [kept.first_us for kept in shelf.kept()] == [1_000, 2_000, 900_000_000]
    shelf.sweep(900_000_001, Limits(600_000_000, 0, 1 << 20))
    assert sorted(path.name for path in (tmp_path / "pump.ring").iterdir()) == [
        "900000000-900000000.rec", "somebody's notes",
    ]  # fmt: skip
    (kept,) = shelf.kept()
    content = shelf.read(kept)
    assert content is not None
    assert tape.read(content).exchanges == (Exchange(900_000_000, 5, b"q", b"a"),)
    assert (tmp_path / "pump.ring" / kept.name).stat().st_mode & 0o077 == 0
    assert (tmp_path / "pump.ring").stat().st_mode & 0o077 == 0
