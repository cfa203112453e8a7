"""The outbox as a state machine: whatever is appended, confirmed, evicted, reopened, every number is accounted for."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge_agent.outbox import ROW_OVERHEAD_BYTES, Outbox
from edge_agent.outbox_content import Append, Caps, Confirmation, NewBatch
from edge_agent.outbox_file import statements
from schemas.batch import Gap, GapReason

CAP = 4_000
AGE_US = 1_000


def new_batch(epoch: bytes, seq: int, size: int, at_us: int, gaps: tuple[Gap, ...] = ()) -> NewBatch:
    return NewBatch(epoch, seq, bytes([seq % 256]) * size, at_us, at_us + 1, gaps=gaps)


class OutboxMachine(RuleBasedStateMachine):
    """Model: which numbers were appended, which the cloud has settled; the rest waits or is in a gap."""

    @initialize(is_oldest_evicted=st.booleans())
    def open(self, is_oldest_evicted: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "outbox.db"
        self.caps = Caps(CAP, AGE_US, is_oldest_evicted)
        self.outbox = Outbox(self.path, self.caps)
        self.outbox.open()
        self.epochs = 0
        self.new_epoch()
        self.appended: dict[tuple[bytes, int], NewBatch] = {}
        self.settled: set[tuple[bytes, int]] = set()
        self.progress: dict[str, int] = {}
        self.told: dict[tuple[bytes, int], tuple[Gap, ...]] = {}
        self.now_us = 0

    def new_epoch(self) -> None:
        self.epochs += 1
        self.epoch = bytes([self.epochs]) * 16
        self.seq = 0

    @rule(sizes=st.lists(st.integers(1, 900), min_size=1, max_size=4), pause_us=st.integers(0, 300))
    def append(self, sizes: list[int], pause_us: int) -> None:
        self.now_us += pause_us
        waiting = self.outbox.waiting_gaps()
        batches: list[NewBatch] = []
        for size in sizes:
            self.seq += 1
            gaps = tuple(found.gap for found in waiting) if not batches else ()
            batches.append(new_batch(self.epoch, self.seq, size, self.now_us, gaps))
        self.progress["a"] = self.now_us
        taken = [found.id for found in waiting]
        self.outbox.append(Append(batches, {"a": self.now_us}, taken), self.now_us)
        for batch in batches:
            self.appended[batch.epoch, batch.seq] = batch
            self.told[batch.epoch, batch.seq] = batch.gaps

    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        waiting = self.outbox.peek(0, None, 100)
        if waiting:
            last = data.draw(st.sampled_from(waiting))
            self.outbox.append(Append(confirmed=[Confirmation(last.epoch, 1, last.seq)]), self.now_us)
            self.settled |= {(b.epoch, b.seq) for b in waiting if b.epoch == last.epoch and b.seq <= last.seq}

    @rule(data=st.data())
    def publish(self, data: st.DataObject) -> None:
        waiting = self.outbox.peek(0, None, 100)
        if waiting:
            batch = data.draw(st.sampled_from(waiting))
            self.outbox.published.add((batch.epoch, batch.seq))

    @rule(is_new_process=st.booleans())
    def reopen(self, is_new_process: bool) -> None:
        self.outbox.close()
        self.outbox = Outbox(self.path, self.caps)
        self.outbox.open()
        if is_new_process:
            self.new_epoch()

    @invariant()
    def every_number_waits_or_is_settled_or_is_declared_lost(self) -> None:
        waiting = {(batch.epoch, batch.seq): batch.payload for batch in self.outbox.peek(0, None, 10_000)}
        lost = self.declared_lost()
        assert waiting.keys() | self.settled | lost == self.appended.keys()
        assert not waiting.keys() & lost
        assert all(self.appended[number].payload == payload for number, payload in waiting.items())
        assert self.outbox.progress() == self.progress

    @invariant()
    def totals_and_cap_hold(self) -> None:
        waiting = self.outbox.peek(0, None, 10_000)
        assert self.outbox.count == len(waiting)
        assert self.outbox.bytes == sum(len(batch.payload) + ROW_OVERHEAD_BYTES for batch in waiting)
        assert self.outbox.bytes <= CAP

    def declared_lost(self) -> set[tuple[bytes, int]]:
        """From gaps that wait, gaps in waiting batches, and gaps in settled ones."""
        lost: set[tuple[bytes, int]] = set()
        carried = [gap for number in self.settled for gap in self.told.get(number, ())]
        rows = self.outbox._file.rows("salvage_gaps")
        carried += [Gap(row[0], row[1], row[2], batches=(row[4], row[5], row[6])) for row in rows]
        for gap in carried:
            assert gap.batches is not None
            epoch, first, last = gap.batches
            lost |= {(epoch, seq) for seq in range(first, last + 1)}
        return lost

    def teardown(self) -> None:
        if hasattr(self, "outbox"):
            self.outbox.close()
            self.folder.cleanup()


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    made = Outbox(tmp_path / "outbox.db", Caps(1 << 20, 10**15, is_oldest_evicted=True))
    made.open()
    return made


def test_a_run_of_evicted_numbers_is_one_gap_however_many_batches_come(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", Caps(2_000, 10**15, is_oldest_evicted=True))
    outbox.open()
    for seq in range(1, 200):
        waiting = outbox.waiting_gaps()
        batch = new_batch(b"e" * 16, seq, 100, seq, tuple(found.gap for found in waiting))
        outbox.append(Append([batch], taken_gaps=[found.id for found in waiting]), seq)
    rows = outbox._file.rows("salvage_gaps")
    outbox.close()
    assert len(rows) == 1
    assert rows[0][5:] == (1, 199 - 8)


def test_a_gap_whose_carrier_is_evicted_waits_again(outbox: Outbox) -> None:
    gap = Gap(1, 2, GapReason.AGENT_STOPPED, "plc")
    outbox.append(Append([new_batch(b"e" * 16, 1, 10, 1, (gap,))]), 1)
    assert outbox.waiting_gaps() == []
    outbox.append(Append(), 10**16)  # the batch is too old now
    assert next(found.gap for found in outbox.waiting_gaps()) == gap
    assert outbox.count == 0
    outbox.close()


def test_progress_never_goes_back(outbox: Outbox) -> None:
    outbox.append(Append(progress={"plc": 5}), 0)
    outbox.append(Append(progress={"plc": 3}), 0)
    assert outbox.progress() == {"plc": 5}
    outbox.close()


def test_order_is_that_of_appending_over_epochs(outbox: Outbox) -> None:
    for epoch, seq in ((b"z" * 16, 1), (b"z" * 16, 2), (b"a" * 16, 1)):
        outbox.append(Append([new_batch(epoch, seq, 10, 1)]), 1)
    assert [(b.epoch[:1], b.seq) for b in outbox.peek(0, None, 9)] == [(b"z", 1), (b"z", 2), (b"a", 1)]
    outbox.close()


def test_tag_lists_are_known_over_restarts_and_forgotten_when_unused(outbox: Outbox) -> None:
    outbox.append(Append(dictionaries={b"12345678": ("a/b", "a/c")}), 0)
    assert outbox.known_dictionaries() == set()
    outbox.mark_dictionary(b"12345678", is_known=True)
    assert outbox.known_dictionaries() == {b"12345678"}
    assert outbox.dictionary(b"12345678") == ("a/b", "a/c")
    outbox.mark_dictionary(b"12345678", is_known=False)
    assert outbox.dictionary(b"12345678") is None
    outbox.close()


def test_every_statement_is_named_once_and_prepares(outbox: Outbox) -> None:
    names = statements()
    assert len(names) > 30
    text = Path(__file__).parents[3].joinpath("edge_agent", "outbox.sql").read_text()
    assert text.count("-- name: ") == len(names)
    outbox.close()
