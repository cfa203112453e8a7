"""A recorded unit answers in recorded order, whatever ranges it is asked for now; and no written value is recorded."""

import struct
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Exchange, Trouble
from connectors.modbus import pdu
from connectors.modbus.played import Outcome, Played, Reaction
from connectors.modbus.read_plan import Area
from connectors.modbus.recording import redacted

HOLDING, COIL = 3, 1


def question(first: int, count: int, function: int = HOLDING) -> bytes:
    return struct.pack(">BHH", function, first, count)


def said(at_us: int, first: int, words: Sequence[int], unit: int = 1) -> Exchange:
    answer = struct.pack(f">BB{len(words)}H", HOLDING, 2 * len(words), *words)
    return Exchange(at_us, 10, bytes((unit,)) + question(first, len(words)), answer)


def trouble(at_us: int, first: int, count: int, kind: Trouble) -> Exchange:
    return Exchange(at_us, 10, b"\x01" + question(first, count), None, kind)


def refused(at_us: int, first: int, count: int, code: int) -> Exchange:
    return Exchange(at_us, 10, b"\x01" + question(first, count), bytes((HOLDING | 0x80, code)))


def words(outcome: Outcome) -> list[int]:
    assert outcome.reaction is Reaction.ANSWER
    assert outcome.answer[0] == HOLDING, outcome.answer.hex()
    return list(struct.unpack(f">{outcome.answer[1] // 2}H", outcome.answer[2:]))


def asked(played: Played, first: int, count: int, times: int) -> list[list[int]]:
    return [words(played.outcome(1, question(first, count))) for _ in range(times)]


def test_each_range_plays_in_order_and_stays_at_its_last_value() -> None:
    played = Played([said(3, 0, [3, 30]), said(1, 0, [1, 10]), said(2, 8, [5]), said(4, 8, [6])])
    assert asked(played, 0, 2, 4) == [[1, 10], [3, 30], [3, 30], [3, 30]]
    assert asked(played, 8, 1, 3) == [[5], [6], [6]]


def test_a_part_of_a_range_plays_as_the_range_did() -> None:
    played = Played([said(1, 0, [1, 10, 100]), said(2, 0, [2, 20, 200])])
    assert asked(played, 1, 1, 3) == [[10], [20], [20]]


def test_ranges_that_were_read_apart_are_put_together() -> None:
    rounds = [(said(2 * at, 0, [at, at]), said(2 * at + 1, 2, [at])) for at in range(1, 4)]
    played = Played([exchange for pair in rounds for exchange in pair])
    assert asked(played, 0, 3, 4) == [[1, 1, 1], [2, 2, 2], [3, 3, 3], [3, 3, 3]]


def test_what_was_never_read_is_an_illegal_address() -> None:
    played = Played([said(1, 0, [1, 2])])
    for first, count in ((1, 2), (2, 1), (0, 3)):
        assert played.outcome(1, question(first, count)).answer == bytes((HOLDING | 0x80, 2))
    assert played.outcome(1, question(0, 1, function=4)).answer == bytes((0x84, 2))


def test_another_unit_does_not_answer_and_nothing_is_written() -> None:
    played = Played([said(1, 0, [1])])
    assert played.outcome(2, question(0, 1)).answer == bytes((HOLDING | 0x80, 11))
    assert played.outcome(1, struct.pack(">BHH", 6, 0, 1)).answer == b"\x86\x01"
    assert played.outcome(1, question(0, 126)).answer == bytes((HOLDING | 0x80, 3))
    assert played.outcome(1, b"\x03").answer == b"\x83\x01"


def test_units_of_several_recordings_play_side_by_side() -> None:
    played = Played([said(2, 0, [1]), said(4, 0, [2]), said(1, 0, [7], unit=9), said(3, 0, [8], unit=9)])
    assert [words(played.outcome(unit, question(0, 1))) for unit in (9, 1, 9, 1)] == [[7], [1], [8], [2]]


def test_silence_and_hanging_up_are_played_where_they_were_but_are_not_the_last_word() -> None:
    played = Played(
        [said(1, 0, [1]), trouble(2, 0, 1, Trouble.SILENT), trouble(3, 4, 1, Trouble.LOST), said(4, 0, [2]),
         trouble(5, 0, 1, Trouble.SILENT)]
    )  # fmt: skip
    reactions = [played.outcome(1, question(0, 1)).reaction for _ in range(5)]
    assert reactions[:3] == [Reaction.ANSWER, Reaction.SILENCE, Reaction.ANSWER]
    assert reactions[3:] == [Reaction.SILENCE, Reaction.ANSWER]
    assert asked(played, 0, 1, 1) == [[2]]


def test_a_lost_connection_is_played_once_where_it_was_noticed() -> None:
    lost = [Exchange(at_us, 10, b"\x01", None, Trouble.LOST) for at_us in (3, 4, 5)]
    played = Played([said(1, 0, [1]), said(2, 8, [5]), *lost, said(6, 0, [2]), said(7, 8, [6]), *lost])
    assert asked(played, 0, 1, 3) == [[1], [2], [2]]
    reactions = [played.outcome(1, question(8, 1)).reaction for _ in range(3)]
    assert reactions == [Reaction.ANSWER, Reaction.HANG_UP, Reaction.ANSWER]
    assert Played(lost).outcome(1, question(0, 1)).answer == bytes((HOLDING | 0x80, 11))


def test_a_refused_block_is_refused_and_its_parts_are_not() -> None:
    played = Played([refused(1, 0, 4, 2), said(2, 0, [1, 2]), said(3, 3, [4])])
    assert played.outcome(1, question(0, 4)).answer == bytes((HOLDING | 0x80, 2))
    assert asked(played, 0, 2, 1) == [[1, 2]]
    busy = Played([said(1, 0, [1, 2]), refused(2, 0, 2, 6), said(3, 0, [3, 4])])
    assert words(busy.outcome(1, question(1, 1))) == [2]
    assert busy.outcome(1, question(1, 1)).answer == bytes((HOLDING | 0x80, 6))
    assert words(busy.outcome(1, question(1, 1))) == [4]


@given(st.lists(st.lists(st.booleans(), min_size=20, max_size=20), min_size=1, max_size=4), st.data())
def test_bits_of_any_part(states: list[list[bool]], data: st.DataObject) -> None:
    recording: list[Exchange] = []
    for at_us, bits in enumerate(states):
        packed = sum(bit << at for at, bit in enumerate(bits)).to_bytes(3, "little")
        recording.append(Exchange(at_us, 1, b"\x01" + question(100, 20, COIL), b"\x01\x03" + packed))
    first = data.draw(st.integers(0, 19))
    count = data.draw(st.integers(1, 20 - first))
    played = Played(recording)
    for bits in states:
        answer = played.outcome(1, question(100 + first, count, COIL)).answer
        assert answer[:2] == bytes((1, (count + 7) // 8))
        assert int.from_bytes(answer[2:], "little") == sum(
            bit << at for at, bit in enumerate(bits[first : first + count])
        )


@given(st.lists(st.binary(max_size=12), max_size=6), st.lists(st.binary(min_size=1, max_size=8), max_size=6))
def test_no_recording_and_no_question_can_end_it(recording: list[bytes], questions: list[bytes]) -> None:
    played = Played([Exchange(at, 1, b"\x01" + question(0, 4), answer) for at, answer in enumerate(recording)])
    for each in [question(0, 4), question(1, 2), *questions]:
        assert played.outcome(1, each).reaction in Reaction


@given(st.binary(min_size=2, max_size=8).filter(lambda data: len(data) % 2 == 0 and any(data)))
def test_what_was_written_is_not_recorded(secret: bytes) -> None:
    request = pdu.write_registers_request(40, secret)
    kept = redacted(request.pdu)
    assert kept[:3] == request.pdu[:3]
    assert not any(kept[3:])
    single = redacted(struct.pack(">BH", 6, 40) + secret[:2])
    assert single == struct.pack(">BH", 6, 40) + b"\0\0"
    read = pdu.read_request(Area.HOLDING, 0, 2).pdu
    assert redacted(read) == read
    assert redacted(b"\x83\x02") == b"\x83\x02"
