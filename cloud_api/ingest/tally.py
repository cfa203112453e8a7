"""What a committed set did, for its senders and for the counters; no log line is written for a sample or a batch."""

import time
from collections import Counter

from cloud_api.ingest.prepare import Fate, Prepared
from cloud_api.ingest.results import BatchResult
from cloud_api.storage.rows import DistinctRows
from cloud_api.storage.samples import WrittenCounts
from cloud_api.telemetry import BatchOutcome, Lane, SampleOutcome, Telemetry


def count(telemetry: Telemetry, prepared: Prepared, rows: DistinctRows, counts: WrittenCounts) -> None:
    """Raise the counters by one committed set."""
    now_us = time.time_ns() // 1000
    batches: Counter[tuple[Lane, BatchOutcome]] = Counter()
    reasons: Counter[str] = Counter()
    for fate in prepared.fates:
        arrival = fate.incoming.arrival
        batches[arrival.lane, fate.outcome] += 1
        if fate.outcome in {BatchOutcome.REJECTED, BatchOutcome.UNREADABLE}:
            reasons[fate.reason or ""] += 1
        for group in fate.rejected:
            reasons[group.reason] += group.count
        newest_us = fate.incoming.newest_us()
        if arrival.lane is Lane.LIVE and fate.outcome is BatchOutcome.STORED and newest_us is not None:
            telemetry.arrival_seconds.observe(max(0, now_us - newest_us) / 1e6)
    for (lane, outcome), number in batches.items():
        telemetry.batches.labels(lane, outcome).inc(number)
    for reason, number in reasons.items():
        telemetry.rejects.labels(reason).inc(number)
    for gap in prepared.gaps:
        telemetry.gaps.labels(gap.reason).inc()
    rejected = sum(group.count for fate in prepared.fates for group in fate.rejected)
    telemetry.samples.labels(SampleOutcome.REJECTED).inc(rejected)
    telemetry.samples.labels(SampleOutcome.STORED).inc(counts.stored)
    telemetry.samples.labels(SampleOutcome.UNCHANGED).inc(counts.unchanged + rows.same_count)
    telemetry.samples.labels(SampleOutcome.OVERWRITTEN).inc(counts.overwritten + rows.overwritten_count)


def result_of(fate: Fate, prepared: Prepared, rows: DistinctRows, counts: WrittenCounts) -> BatchResult:
    """What the sender of one batch is told."""
    incoming = fate.incoming
    # A set of one knows exactly; of several only the sum is known, and nobody asks.
    is_single = len(prepared.fates) == 1
    return BatchResult(
        agent=incoming.agent,
        epoch=None if incoming.header is None or not incoming.arrival.is_numbered else incoming.header.epoch,
        seq=None if incoming.header is None or not incoming.arrival.is_numbered else incoming.header.seq,
        outcome=fate.outcome,
        sample_count=incoming.sample_count,
        stored=counts.stored if is_single else fate.row_count,
        unchanged=counts.unchanged + rows.same_count if is_single else 0,
        overwritten=counts.overwritten + rows.overwritten_count if is_single else 0,
        rejected=fate.rejected,
        reason=fate.reason,
        detail=fate.detail or fate.advice,
    )
