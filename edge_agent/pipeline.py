"""The stages of one device's samples in order: scale, report by exception, collect for the outbox."""

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from connectors.contract import Clock, ReadResult
from edge_agent.config import DeviceConfig, TagConfig, TagTable
from edge_agent.deadband import Deadband, LastReported
from edge_agent.packing import Collected, TagBook
from edge_agent.quantities import SECOND_US
from edge_agent.scaling import OutOfRange, RawRange, Scaling
from edge_agent.telemetry import Count, Counters
from schemas import status as codes
from schemas.batch import Gap, GapReason
from schemas.sample import Kind

DEFAULT_MAX_SILENCE_US = 60 * SECOND_US
MOST_NAMED = 1_000
"""Tags that a gap names one by one; with more it is of the whole device."""


class Collector(Protocol):
    """Where a pipeline puts what passed: the batch window that is open now."""

    def collected(self, book: TagBook) -> Collected:
        """The columns of this book's tags."""
        ...

    def notice(self, *, has_samples: bool) -> None:
        """Something was put there."""
        ...


@dataclass(slots=True)
class _Stage:
    """What one tag's samples go through; None where they pass as they are."""

    scaling: Scaling | None
    deadband: Deadband | None
    last: LastReported


@dataclass(slots=True)
class OpenGap:
    """A stretch without samples that has begun and will end with the next sample."""

    from_us: int
    reason: GapReason


class DevicePipeline:
    """One device's way from its connector to the batch window; `place` says where its tags stand in which book."""

    def __init__(self, device: DeviceConfig, collector: Collector, clock: Clock, counters: Counters) -> None:
        self.device = device
        self.statuses = [codes.BAD_WAITING_FOR_INITIAL_DATA] * len(device.tags)
        self.last_sample_us: int | None = None
        self._collector = collector
        self._clock = clock
        self._counters = counters
        self._stages = [_stage(tag) for tag in device.tags]
        self._book = TagBook.of(())
        self._base = 0
        self._until_us: int | None = None
        self._open_gap: OpenGap | None = None
        self._latest_us = 0
        self._queued_to_us: int | None = None
        self._queue = device.queue or 0

    @property
    def until_us(self) -> int | None:
        """Until when this device is measured."""
        return self._until_us

    def place(self, book: TagBook, base: int) -> None:
        """From now on this device's tags are those from `base` of this book."""
        self._book = book
        self._base = base

    def resume(self, until_us: int | None, reason: GapReason) -> None:
        """Nothing was measured since then: a gap begins there."""
        if until_us is not None:
            self._until_us = until_us
            self._open_gap = OpenGap(until_us, reason)

    def miss_since_last(self, reason: GapReason) -> None:
        """Nothing has come since the last time it did: a gap begins there, unless one is open already."""
        self._queued_to_us = None
        if self._open_gap is None and self._until_us is not None:
            self._open_gap = OpenGap(max(self._until_us, self._latest_us), reason)

    def expect_queued(self, to_us: int) -> None:
        """The agent did not run until now; what the device reported comes from its queue, so far as that reached."""
        if self._open_gap is None and self._until_us is not None:
            self._queued_to_us = to_us

    def is_behind(self, at_us: int) -> bool:
        """Whether the device has not told yet all that it measured up to then."""
        return self._until_us is None or self._until_us < at_us

    def accept(self, result: ReadResult) -> None:
        """Take what a device delivered through the stages."""
        collected = self._collector.collected(self._book)
        now_us = self._clock.now_us()
        if result.points:
            self._close_gap(collected, min(result.times_us), now_us)
            self._miss_overflow(result, collected)
            self._latest_us = max(self._latest_us, min(max(result.times_us), now_us))
            self.last_sample_us = now_us
            self._counters[Count.SAMPLES_READ] += len(result.points)
        reported = self._collect(result, collected)
        until_us = result.until_us
        if until_us is None and not self.device.is_subscribed:
            until_us = now_us
        self._advance(collected, until_us)
        if self._queued_to_us is not None and not self.is_behind(self._queued_to_us):
            self._queued_to_us = None
        self._collector.notice(has_samples=reported > 0)

    def fail(self, status: int) -> None:
        """The device is gone: each tag says so now, with this status and no value."""
        collected = self._collector.collected(self._book)
        now_us = self._clock.now_us()
        count = len(self.device.tags)
        self._queued_to_us = None
        was_gap = self._open_gap is not None
        self._close_gap(collected, now_us, now_us)
        column = collected.columns[Kind.NONE]
        column.tags.extend(range(self._base, self._base + count))
        column.times_us.extend([now_us] * count)
        column.statuses.extend([status] * count)
        self.statuses = [status] * count
        for stage in self._stages:
            if stage is not None:
                stage.last = LastReported(None, status, now_us, is_empty=False)
        since_us = now_us if was_gap or self._until_us is None else min(self._until_us, now_us)
        self._open_gap = OpenGap(since_us, GapReason.DEVICE_UNREACHABLE)
        self._advance(collected, now_us)
        self._collector.notice(has_samples=True)

    def delivering(self) -> int:
        """How many tags have a value that is not Bad."""
        return sum(not codes.is_bad(status) for status in self.statuses)

    def _collect(self, result: ReadResult, collected: Collected) -> int:
        columns, base, stages, statuses = collected.columns, self._base, self._stages, self.statuses
        reported = 0
        cells = zip(result.points, result.kinds, result.values, result.statuses, result.times_us, strict=True)
        for point, kind, value, status, time_us in cells:
            stage = stages[point]
            if stage is not None:
                if stage.scaling is not None:
                    kind, value, status = stage.scaling.apply(kind, value, status)  # noqa: PLW2901 - the stage's outcome
                rule = stage.deadband
                statuses[point] = status
                if rule is not None and not stage.last.admits(rule, value, status, time_us):
                    continue
            statuses[point] = status
            column = columns[kind] if value is not None else columns[Kind.NONE]
            column.tags.append(base + point)
            column.times_us.append(time_us)
            column.statuses.append(status)
            if value is not None:
                column.values.append(value)
            reported += 1
        self._counters[Count.SAMPLES_WITHIN_DEADBAND] += len(result.points) - reported
        return reported

    def _miss_overflow(self, result: ReadResult, collected: Collected) -> None:
        """A queue that ran over while the agent stood still: of these tags nothing came in between.

        The device says so by the overflow bit (Part 4, 7.22.1.6). Some never set it: a queue that comes full has run
        over as far as we know.
        """
        if self._queued_to_us is None or self._until_us is None:
            return
        from_us = max(self._until_us, self._latest_us)
        counts = Counter(result.points)
        lost: dict[int, int] = {}
        for point, status, time_us in zip(result.points, result.statuses, result.times_us, strict=True):
            if codes.has_overflow(status) or (self._queue > 1 and counts[point] >= self._queue):
                lost.setdefault(point, time_us)
        to_us = min(lost.values(), default=0)
        if to_us > from_us:
            paths = tuple(self.device.tags[point].path for point in sorted(lost))
            is_named = len(paths) <= MOST_NAMED
            device, tags = (None, paths) if is_named else (self.device.name, None)
            collected.gaps.append(Gap(from_us, to_us, GapReason.AGENT_STOPPED, device, tags))

    def _close_gap(self, collected: Collected, first_us: int, now_us: int) -> None:
        """The first sample ends the gap; one whose source time is older than the gap says nothing of it."""
        gap, self._open_gap = self._open_gap, None
        if gap is None:
            return
        to_us = first_us if first_us > gap.from_us else now_us
        if to_us > gap.from_us:
            collected.gaps.append(Gap(gap.from_us, to_us, gap.reason, device=self.device.name))

    def _advance(self, collected: Collected, until_us: int | None) -> None:
        if until_us is None or (self._until_us is not None and until_us <= self._until_us):
            return
        self._until_us = until_us
        collected.until[self.device.name] = until_us


def scaling_of(table: TagTable) -> Scaling:
    """How a tag's values come from what its device says."""
    is_linear = table.scale is not None or table.offset is not None
    return Scaling(
        factor=(1.0 if table.scale is None else table.scale) if is_linear else None,
        offset=table.offset or 0.0,
        raw=None if table.raw_low is None or table.raw_high is None else RawRange(table.raw_low, table.raw_high),
        low=_bound(table.low, "-inf"),
        high=_bound(table.high, "inf"),
        out_of_range=OutOfRange(table.clamp),
        words=table.enum,
    )


def _stage(tag: TagConfig) -> _Stage | None:
    table = tag.table
    scaling = scaling_of(table)
    width = table.deadband_width
    silence_us = DEFAULT_MAX_SILENCE_US if table.max_silence is None else table.max_silence
    if scaling.is_identity and width is None:
        return None
    deadband = None if width is None else Deadband(width, silence_us)
    return _Stage(None if scaling.is_identity else scaling, deadband, LastReported())


def _bound(value: float | None, otherwise: str) -> float:
    return float(otherwise) if value is None else value
