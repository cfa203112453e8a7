"""What the agent counts of itself, and how it logs: quiet when healthy, never a line per sample."""

import json
import logging
import sys
from collections import Counter
from enum import StrEnum

from edge_agent.config import LogForm

LOGGER = logging.getLogger("millstream.edge")


class Count(StrEnum):
    """Every counter of the agent; a connector's own counters are kept by the connector."""

    SAMPLES_READ = "samples_read"
    SAMPLES_WITHIN_DEADBAND = "samples_within_deadband"
    SCAN_OVERRUNS = "scan_overruns"
    DEVICE_FAILURES = "device_failures"
    CONNECTOR_ERRORS = "connector_errors"
    COMMITS = "outbox_commits"
    COMMITS_FAILED = "outbox_commits_failed"
    BATCHES_APPENDED = "batches_appended"
    BATCHES_DROPPED = "batches_dropped"
    OUTBOX_SALVAGED = "outbox_salvaged"
    BATCHES_SENT = "batches_sent"
    BATCHES_RESENT = "batches_resent"
    BATCHES_CONFIRMED = "batches_confirmed"
    BATCHES_REJECTED = "batches_rejected"
    BATCHES_HELD = "batches_held"
    BATCHES_REPACKED = "batches_repacked"
    MESSAGES_INVALID = "messages_invalid"
    SESSIONS = "mqtt_sessions"
    SESSIONS_LOST = "mqtt_sessions_lost"
    RELOADS = "reloads"
    RELOADS_REFUSED = "reloads_refused"


class Counters(Counter[Count]):
    """The counters of one agent."""


def set_up_logging(form: LogForm) -> None:
    """Log to standard error in the configured form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if form is LogForm.JSON else _TextLines("%(asctime)s %(levelname)s %(message)s"))
    LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def say(level: int, event: str, **facts: object) -> None:
    """Log one event with its facts, in either form."""
    LOGGER.log(level, event, extra={"facts": facts})


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {"at": record.created, "level": record.levelname.lower(), "event": record.getMessage(), **_facts(record)},
            default=str,
        )


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = "".join(f" {name}={value}" for name, value in _facts(record).items())
        return f"{super().format(record)}{facts}"


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts = getattr(record, "facts", None)
    return facts if isinstance(facts, dict) else {}
