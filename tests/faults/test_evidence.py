"""The judge of the other tests sees each kind of wrong."""

from tests.faults.evidence import Outage, gaps_beyond, judge_counts
from tests.fixtures.modbus_plc import Answer
from tests.fixtures.stack import GapRow, Row

PATHS = {0: "hall/a/count-0"}
SENT = [Answer(0, n, n * 100_000, n * 100_000 + 10) for n in range(1, 11)]
STORED = [Row("hall/a/count-0", answer.sent_us, float(answer.count), 0) for answer in SENT]


def test_a_complete_table_is_clean() -> None:
    assert judge_counts("a", PATHS, SENT, STORED, []).is_clean


def test_a_missing_count_is_seen() -> None:
    verdict = judge_counts("a", PATHS, SENT, STORED[:4] + STORED[5:], [])
    assert verdict.missing == ["hall/a/count-0 5 sent at 500010"]
    assert not verdict.is_clean


def test_a_gap_accounts_for_a_count_of_its_device() -> None:
    assert judge_counts("a", PATHS, SENT, STORED[:4] + STORED[5:], [_gap("a", 400_010, 600_010)]).is_clean
    assert not judge_counts("a", PATHS, SENT, STORED[:4] + STORED[5:], [_gap("b", 400_010, 600_010)]).is_clean


def test_a_gap_over_stored_samples_is_seen() -> None:
    verdict = judge_counts("a", PATHS, SENT, STORED[:4] + STORED[5:], [_gap("a", 400_010, 600_011)])
    assert len(verdict.gaps) == 1


def test_a_doubled_an_invented_and_a_dishonest_sample_are_seen() -> None:
    again = Row("hall/a/count-0", 999_999_999, 3.0, 0)
    foreign = Row("hall/a/count-0", 5, 77.0, 0)
    bad = Row("hall/a/count-0", STORED[0].time_us, 1.0, -2147483648)
    verdict = judge_counts("a", PATHS, SENT, [*STORED, again, foreign], [])
    assert verdict.doubled == ["hall/a/count-0 3.0 (2 times)"]
    assert verdict.invented == ["hall/a/count-0 77"]
    assert len(verdict.dishonest) == 1
    assert len(judge_counts("a", PATHS, SENT, [bad, *STORED[1:]], []).dishonest) == 1


def test_a_gap_wider_than_downtime_and_a_second_is_seen() -> None:
    outage = Outage(10_000_000, 13_000_000)
    assert gaps_beyond([_gap("a", 9_100_000, 13_050_000)], [outage]) == []
    assert len(gaps_beyond([_gap("a", 8_900_000, 13_050_000)], [outage])) == 1
    assert len(gaps_beyond([_gap("a", 20_000_000, 21_100_000)], [outage])) == 1


def _gap(device: str, from_us: int, to_us: int) -> GapRow:
    return GapRow(device, None, from_us, to_us, "agent_stopped")
