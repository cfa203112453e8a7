"""Counts what a committed set did; no log line is written for a sample or a batch."""

import time

from cloud_api.ingest.prepare import Fate, Prepared
from cloud_api.storage.rows import DistinctRows
from cloud_api.storage.samples import WrittenCounts
from cloud_api.telemetry import BatchOutcome, Lane, SampleOutcome, Telemetry


def count(telemetry: Telemetry, prepared: Prepared, rows: DistinctRows, counts: WrittenCounts) -> None:
    """Raise the counters by one committed set."""
    now_us = time.time_ns() // 1000
    for fate in prepared.fates:
        _count_fate(telemetry, fate, now_us)
    for gap in prepared.gaps:
        telemetry.gaps.labels(gap.reason).inc()
    telemetry.samples.labels(SampleOutcome.STORED).inc(counts.stored)
    telemetry.samples.labels(SampleOutcome.UNCHANGED).inc(counts.unchanged + rows.same_count)
    telemetry.samples.labels(SampleOutcome.OVERWRITTEN).inc(counts.overwritten + rows.overwritten_count)


def _count_fate(telemetry: Telemetry, fate: Fate, now_us: int) -> None:
    arrival = fate.incoming.arrival
    telemetry.batches.labels(arrival.lane, fate.outcome).inc()
    if fate.outcome in {BatchOutcome.REJECTED, BatchOutcome.UNREADABLE}:
        telemetry.rejects.labels(fate.reason).inc()
    for group in fate.rejected:
        telemetry.rejects.labels(group.reason).inc(group.count)
        telemetry.samples.labels(SampleOutcome.REJECTED).inc(group.count)
    newest_us = fate.incoming.newest_us()
    if arrival.lane is Lane.LIVE and fate.outcome is BatchOutcome.STORED and newest_us is not None:
        telemetry.arrival_seconds.observe(max(0, now_us - newest_us) / 1e6)
