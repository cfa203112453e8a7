"""Names of counters and gauges in one typed place, in a registry of the process's own; and how logs look."""

import logging
import sys
import time
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
COMMIT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)


class Lane(StrEnum):
    """By which door a batch came."""

    LIVE = "live"
    BACKLOG = "backlog"
    HTTP = "http"


class BatchOutcome(StrEnum):
    """What became of a batch."""

    STORED = "stored"
    REPEATED = "repeated"
    REJECTED = "rejected"
    HELD = "held"
    UNREADABLE = "unreadable"


class SampleOutcome(StrEnum):
    """What became of a sample."""

    STORED = "stored"
    UNCHANGED = "unchanged"
    OVERWRITTEN = "overwritten"
    REJECTED = "rejected"


class Telemetry:
    """The counters of one cloud process; each attribute is one metric."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.batches = self._counter("ingest_batches", "Batches by lane and outcome", ("lane", "outcome"))
        self.samples = self._counter("ingest_samples", "Samples by outcome", ("outcome",))
        self.rejects = self._counter("ingest_rejects", "Samples and batches put aside, by reason", ("reason",))
        self.gaps = self._counter("ingest_gaps", "Gaps declared by agents, by reason", ("reason",))
        self.transactions = self._counter("ingest_transactions", "Ingest transactions by outcome", ("outcome",))
        self.commit_seconds = self._histogram("ingest_commit_seconds", "From first write to COMMIT", COMMIT_BUCKETS)
        self.arrival_seconds = self._histogram(
            "ingest_arrival_seconds", "From the newest source time of a live batch to its COMMIT", LATENCY_BUCKETS
        )
        self.waiting_batches = self._gauge("ingest_waiting_batches", "Batches received and not committed", ("lane",))
        self.waiting_bytes = self._gauge("ingest_waiting_bytes", "Their size", ("lane",))
        self.has_lease = self._gauge("ingest_has_lease", "1 while this process owns the ingest lease")
        self.is_subscribed = self._gauge("ingest_is_subscribed", "1 while the broker session is up")
        self.reject_bytes = self._gauge("ingest_reject_bytes", "Payload bytes in the reject store")
        self.calculation_has_lease = self._gauge("calculation_has_lease", "1 while this process leads calculations")
        self.calculation_samples = self._counter("calculation_samples", "Samples that were calculated and stored")
        self.calculation_recomputed = self._counter(
            "calculation_recomputed", "Samples changed because inputs came late or were corrected, or by a backfill"
        )
        self.calculation_lag_seconds = self._gauge(
            "calculation_lag_seconds", "How far the last materialised calculation is behind the clock"
        )
        self.database_bytes = self._gauge("database_bytes", "Size of the database")
        self.database_free_bytes = self._gauge("database_free_bytes", "What it may still grow; NaN where not known")
        self.days_to_full = self._gauge("database_days_to_full", "At the pace of the last week; NaN: none foretold")
        for unknown in (self.database_bytes, self.database_free_bytes, self.days_to_full):
            unknown.set(float("nan"))
        self.notifications = self._counter("notifications", "Attempts to send a message, by outcome", ("outcome",))
        self.notifications_kept = self._gauge("notifications_kept", "Messages waiting, under way or dead", ("state",))
        self.open_rejects = self._gauge("ingest_rejects_open", "Rejects that were not replayed", ("reason",))
        self.open_reject_samples = self._gauge("ingest_rejects_open_samples", "Samples in them", ("reason",))
        self.certificate_days = self._gauge(
            "agent_certificate_days", "Days until a certificate of an agent ends, by its use", ("agent", "use")
        )
        self.requests = self._counter("http_requests", "Answered requests", ("method", "route", "status"))
        self.request_seconds = self._histogram("http_request_seconds", "Time to answer", COMMIT_BUCKETS, ("route",))
        self._roll()
        self._watch()
        self.pool_connections = self._gauge("database_connections", "Connections of the pool", ("state",))

    def _roll(self) -> None:
        """Of the roller, and of what ingest rolls itself."""
        self.rollup_has_lease = self._gauge("rollup_has_lease", "1 while this process makes rollups")
        self.rollup_lag_seconds = self._gauge("rollup_lag_seconds", "Age of the newest minute that is closed")
        self.rollup_marks = self._gauge("rollup_marks", "Marks of what has to be rolled")
        self.rollup_marked_series = self._gauge("rollup_marked_series", "Series under these marks, each mark counted")
        self.rollup_oldest_mark_seconds = self._gauge("rollup_oldest_mark_seconds", "Age of the oldest mark")
        self.rollup_untold_writes = self._gauge(
            "rollup_untold_writes", "Stretches of ten minutes in which samples were written by other SQL"
        )
        self.rollup_samples = self._counter("rollup_samples", "Raw samples by where they were", ("source",))
        self.rollup_rows = self._counter("rollup_rows", "Rows written", ("resolution",))
        self.rollup_revisions = self._counter("rollup_revisions", "Rows that were changed or removed", ("resolution",))
        self.rollup_failures = self._counter("rollup_failures", "Steps that failed by a fault of ours", ("resolution",))
        self.rollup_step_seconds = self._histogram(
            "rollup_step_seconds", "Time of one step", COMMIT_BUCKETS, ("resolution",)
        )

    def _watch(self) -> None:
        """Of the audit and of security."""
        self.audit_forwarded = self._counter("audit_forwarded_rows", "Rows sent to other systems", ("target",))
        self.audit_forward_behind = self._gauge("audit_forward_behind_rows", "Sealed rows not sent yet", ("target",))
        self.security_events = self._counter("security_events", "Security events that were seen", ("kind",))
        self.security_active = self._gauge("security_events_active", "Subjects of them, until quiet again", ("kind",))

    def render(self) -> bytes:
        """Write all metrics in the Prometheus text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(f"millstream_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"millstream_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()) -> Histogram:
        return Histogram(f"millstream_{name}", text, labels, registry=self.registry, buckets=buckets)


# They write the whole address of each request, and that of a webhook is as good as a password.
TELL_ADDRESSES = ("httpx", "httpcore", "urllib3")


def set_up_logs(level: str) -> None:
    """Write plain lines to standard error, with time and level."""
    plain = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    # The clock of every log line is UTC, like every other instant of the system.
    plain.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(plain)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in TELL_ADDRESSES:
        logging.getLogger(name).setLevel(logging.WARNING)
