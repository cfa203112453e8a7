"""One device's samples through the stages, its gaps and its progress."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.contract import ReadResult
from edge_agent.config import DeviceConfig
from edge_agent.config_files import load
from edge_agent.packing import Collected, TagBook
from edge_agent.pipeline import DevicePipeline
from edge_agent.telemetry import Count, Counters
from schemas import status as codes
from schemas.batch import Gap, GapReason
from schemas.sample import Kind

HEAD = '[agent]\nid = "gw"\n[mqtt]\nurl = "mqtt://127.0.0.1"\n[[device]]\nname = "sim"\nkind = "simulated"\n'
TAG = '[[device.tag]]\nname = "{name}"\nsignal = "sine"\n{keys}\n'


class Window:
    """Collects as the writer does, and keeps what was collected."""

    def __init__(self) -> None:
        self.content = Collected(TagBook.of(()))
        self.notices: list[bool] = []

    def collected(self, book: TagBook) -> Collected:
        del book
        return self.content

    def notice(self, *, has_samples: bool) -> None:
        self.notices.append(has_samples)


class Now:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time_us = 10_000

    def now_us(self) -> int:
        return self.time_us

    def monotonic(self) -> float:
        return self.time_us / 1e6


class Line:
    """A pipeline with everything around it."""

    def __init__(self, device: DeviceConfig) -> None:
        self.window, self.clock, self.counters = Window(), Now(), Counters()
        self.pipeline = DevicePipeline(device, self.window, self.clock, self.counters)
        self.pipeline.place(TagBook.of([tag.path for tag in device.tags]), 100)

    def take(self, *values: float | str | None, time_us: int, until_us: int | None = None, status: int = 0) -> None:
        kinds = [Kind.NONE if v is None else Kind.STR if isinstance(v, str) else Kind.F64 for v in values]
        count = len(values)
        result = ReadResult(range(count), kinds, values, [status] * count, [time_us] * count, until_us)
        self.pipeline.accept(result)

    def cells(self, kind: Kind = Kind.F64) -> list[tuple[int, object, int, int]]:
        column = self.window.content.columns[kind]
        values = column.values or [None] * len(column.tags)
        return list(zip(column.tags, values, column.statuses, column.times_us, strict=True))


MakeLine = Callable[..., Line]


@pytest.fixture
def make_line(tmp_path: Path) -> MakeLine:
    def make(*keys: str) -> Line:
        tags = "".join(TAG.format(name=f"t{place}", keys=lines) for place, lines in enumerate(keys))
        (tmp_path / "agent.toml").write_text(HEAD + tags)
        return Line(load(tmp_path / "agent.toml").devices[0])

    return make


def test_samples_without_stages_pass_as_they_are(make_line: MakeLine) -> None:
    line = make_line("", "")
    line.take(1.5, "text", time_us=7, until_us=8)
    assert line.cells() == [(100, 1.5, 0, 7)]
    assert line.cells(Kind.STR) == [(101, "text", 0, 7)]
    assert line.window.content.until == {"sim": 8}
    assert line.pipeline.delivering() == 2


def test_stages_in_order_scale_then_report_by_exception(make_line: MakeLine) -> None:
    line = make_line("scale = 10\ndeadband = 5")
    for value in (1.0, 1.4, 1.6):
        line.take(value, time_us=7)
    assert [cell[1] for cell in line.cells()] == [10.0, 16.0]
    assert line.counters[Count.SAMPLES_WITHIN_DEADBAND] == 1
    assert line.counters[Count.SAMPLES_READ] == 3
    assert line.window.notices == [True, False, True]


def test_progress_moves_though_nothing_is_reported(make_line: MakeLine) -> None:
    line = make_line("deadband = 5")
    line.take(1.0, time_us=7, until_us=7)
    line.take(1.0, time_us=9, until_us=9)
    assert len(line.cells()) == 1
    assert line.window.content.until == {"sim": 9}
    line.take(1.0, time_us=8, until_us=8)
    assert line.pipeline.until_us == 9


def test_failure_is_a_bad_sample_without_value_for_each_tag(make_line: MakeLine) -> None:
    line = make_line("", "deadband = 5")
    line.take(1.0, 2.0, time_us=7, until_us=9_000)
    line.pipeline.fail(codes.BAD_TIMEOUT)
    assert line.cells(Kind.NONE) == [(100, None, codes.BAD_TIMEOUT, 10_000), (101, None, codes.BAD_TIMEOUT, 10_000)]
    assert line.pipeline.delivering() == 0
    line.take(1.0, 2.0, time_us=12_000, until_us=12_000)
    assert len(line.cells()) == 4, "after an outage the first value is news, whatever it is"
    assert line.window.content.gaps == [Gap(9_000, 12_000, GapReason.DEVICE_UNREACHABLE, device="sim")]


def test_gap_of_a_stop_ends_with_the_first_sample(make_line: MakeLine) -> None:
    line = make_line("")
    line.pipeline.resume(4_000, GapReason.AGENT_STOPPED)
    line.take(time_us=0, until_us=5_000)
    assert line.window.content.gaps == []
    line.take(1.0, time_us=6_000)
    assert line.window.content.gaps == [Gap(4_000, 6_000, GapReason.AGENT_STOPPED, device="sim")]
    line.take(1.0, time_us=7_000)
    assert len(line.window.content.gaps) == 1


def test_gap_of_a_stop_ends_at_the_failure_of_a_device_that_does_not_answer(make_line: MakeLine) -> None:
    line = make_line("")
    line.pipeline.resume(4_000, GapReason.AGENT_STOPPED)
    line.pipeline.fail(codes.BAD_NO_COMMUNICATION)
    line.clock.time_us = 30_000
    line.take(1.0, time_us=25_000)
    assert line.window.content.gaps == [
        Gap(4_000, 10_000, GapReason.AGENT_STOPPED, device="sim"),
        Gap(10_000, 25_000, GapReason.DEVICE_UNREACHABLE, device="sim"),
    ]


def test_source_time_older_than_the_gap_does_not_close_it_early(make_line: MakeLine) -> None:
    line = make_line("")
    line.pipeline.resume(4_000, GapReason.AGENT_STOPPED)
    line.take(1.0, time_us=1_000)  # unchanged since before the stop, says the source
    assert line.window.content.gaps == [Gap(4_000, 10_000, GapReason.AGENT_STOPPED, device="sim")]


def test_a_pause_reaches_from_the_last_scan_to_the_next_one(make_line: MakeLine) -> None:
    line = make_line("")
    line.take(1.0, time_us=7_000)
    line.clock.time_us = 50_000
    line.pipeline.miss_since_last(GapReason.AGENT_STOPPED)
    line.take(1.0, time_us=50_500)
    assert line.window.content.gaps == [Gap(10_000, 50_500, GapReason.AGENT_STOPPED, device="sim")]


def test_a_pause_does_not_take_over_the_outage_of_a_device(make_line: MakeLine) -> None:
    line = make_line("")
    line.take(1.0, time_us=7_000)
    line.pipeline.fail(codes.BAD_NO_COMMUNICATION)
    line.clock.time_us = 50_000
    line.pipeline.miss_since_last(GapReason.AGENT_STOPPED)
    line.take(1.0, time_us=60_000)
    assert line.window.content.gaps == [Gap(10_000, 60_000, GapReason.DEVICE_UNREACHABLE, device="sim")]


def test_what_a_queue_kept_during_a_pause_is_no_gap(make_line: MakeLine) -> None:
    line = make_line("")
    line.take(1.0, time_us=7_000, until_us=9_000)
    line.clock.time_us = 70_000
    line.pipeline.expect_queued(50_000)
    assert line.pipeline.is_behind(50_000)
    line.take(1.0, time_us=30_000, until_us=31_000)
    line.take(time_us=0, until_us=50_000)
    assert not line.pipeline.is_behind(50_000)
    assert line.window.content.gaps == []


def test_what_a_queue_dropped_during_a_pause_is_a_gap_of_its_tags_between_what_came(make_line: MakeLine) -> None:
    line = make_line("", "")
    line.take(1.0, 2.0, time_us=7_000, until_us=9_000)
    line.clock.time_us = 70_000
    line.pipeline.expect_queued(50_000)
    line.take(1.0, 2.0, time_us=12_000, until_us=12_000)
    line.take(1.0, time_us=40_000, status=codes.INFO_OVERFLOW)
    line.take(1.0, time_us=51_000, until_us=51_000)
    line.take(1.0, time_us=60_000, status=codes.INFO_OVERFLOW)  # its own doing: the agent ran
    (tag, _) = line.pipeline.device.tags
    assert line.window.content.gaps == [Gap(12_000, 40_000, GapReason.AGENT_STOPPED, tags=(tag.path,))]


def test_a_queue_that_comes_full_has_run_over_though_the_device_does_not_say_so(make_line: MakeLine) -> None:
    line = make_line("", "")
    device = line.pipeline.device
    kind = replace(device.kind, queue=lambda config: 3)
    line = Line(replace(device, kind=kind))
    line.take(1.0, 2.0, time_us=7_000, until_us=9_000)
    line.clock.time_us = 70_000
    line.pipeline.expect_queued(50_000)
    points, times_us = [0, 0, 0, 1, 1], [40_000, 41_000, 42_000, 41_000, 42_000]
    line.pipeline.accept(ReadResult(points, [Kind.F64] * 5, [1.0] * 5, [codes.GOOD] * 5, times_us, 51_000))
    assert line.window.content.gaps == [Gap(9_000, 40_000, GapReason.AGENT_STOPPED, tags=(device.tags[0].path,))]


def test_a_connection_that_did_not_outlive_the_pause_leaves_its_gap_from_what_the_queue_still_gave(
    make_line: MakeLine,
) -> None:
    line = make_line("")
    line.take(1.0, time_us=7_000, until_us=9_000)
    line.clock.time_us = 50_000
    line.pipeline.expect_queued(50_000)
    line.take(1.0, time_us=12_000, until_us=11_000)
    line.pipeline.miss_since_last(GapReason.AGENT_STOPPED)
    line.take(1.0, time_us=52_000)
    assert line.window.content.gaps == [Gap(12_000, 52_000, GapReason.AGENT_STOPPED, device="sim")]
