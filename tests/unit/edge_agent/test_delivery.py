"""The window of unacknowledged batches."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.delivery import Allowance, DeliveryWindow, WindowLimits
from edge_agent.outbox_content import StoredBatch

EPOCH, OTHER = b"e" * 16, b"o" * 16
LIMITS = WindowLimits(batches=4, bytes=1_000, resend_min_s=30.0, resend_max_s=300.0)


def batch(seq: int, size: int = 10, epoch: bytes = EPOCH) -> StoredBatch:
    return StoredBatch(seq, epoch, seq, 0, b"x" * size, None)


def test_window_is_bounded_by_count_and_by_bytes() -> None:
    window = DeliveryWindow(LIMITS)
    for seq in range(1, 5):
        assert window.room() == 5 - seq
        window.send(batch(seq), 0.0)
    assert window.room() == 0
    wide = DeliveryWindow(LIMITS)
    wide.send(batch(1, 1_000), 0.0)
    assert wide.room() == 0
    wide.settle(EPOCH, 1, 1)
    assert wide.room() == 4


def test_settling_touches_only_its_epoch_and_range() -> None:
    window = DeliveryWindow(LIMITS)
    for number in (batch(1), batch(2), batch(2, epoch=OTHER)):
        window.send(number, 0.0)
    assert window.settle(EPOCH, 1, 1) == 1
    assert (EPOCH, 2) in window
    assert window.settle(EPOCH, 1, 9) == 1
    assert (OTHER, 2) in window
    assert window.settle(EPOCH, 1, 9) == 0


def test_each_resending_waits_twice_as_long() -> None:
    window = DeliveryWindow(LIMITS)
    window.send(batch(1), 0.0)
    due = [now for now in range(1_500) if list(window.overdue(float(now)))]
    assert due == [30, 90, 210, 450, 750, 1050, 1350]


def test_held_batch_makes_room_and_returns() -> None:
    window = DeliveryWindow(LIMITS)
    for seq in range(1, 5):
        window.send(batch(seq), 0.0)
    assert window.hold((EPOCH, 2), 10.0)
    assert window.room() == 1
    assert not list(window.overdue(29.0))
    assert window.returning(309.0) == []
    assert window.returning(310.0) == [(EPOCH, 2)]
    assert window.held == 0
    assert not window.hold((EPOCH, 99), 0.0)


def test_many_held_batches_stop_the_sending() -> None:
    window = DeliveryWindow(LIMITS)
    for seq in range(1, 17):
        window.send(batch(seq), 0.0)
        window.hold((EPOCH, seq), 0.0)
    assert window.room() == 0
    window.settle(EPOCH, 1, 1)
    assert window.room() == 4


def test_other_encoding_replaces_the_first() -> None:
    window = DeliveryWindow(LIMITS)
    window.send(batch(1, 10), 0.0)
    window.replace(batch(1, 400), 5.0)
    assert window.bytes == 400
    assert [len(sent.payload) for sent in window.overdue(35.0)] == [400]


@given(st.lists(st.tuples(st.integers(1, 3_000), st.floats(0, 0.5)), max_size=200))
def test_allowance_keeps_to_its_rate(wishes: list[tuple[int, float]]) -> None:
    allowance, now, sent = Allowance(1_000.0), 0.0, 0
    for size, pause in wishes:
        now += pause
        if allowance.take(size, now):
            sent += size
    # One second is saved up at the start, and one batch may overdraw it.
    assert sent <= 1_000 * (now + 1) + 3_000
