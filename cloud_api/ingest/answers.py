"""Results and rejects to the bytes of an answer (pure)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from cloud_api.ingest.results import BatchResult
from cloud_api.instants import format_at
from cloud_api.problems import Kinds, Problem
from cloud_api.storage.findings import RejectRow
from cloud_api.telemetry import BatchOutcome

_REFUSED = frozenset({BatchOutcome.REJECTED, BatchOutcome.UNREADABLE})


def encode_result(result: BatchResult) -> dict[str, Any]:
    """Write what was committed of one batch."""
    return {
        "agent": result.agent,
        "epoch": result.epoch.hex() if result.epoch else None,
        "seq": result.seq,
        "outcome": result.outcome,
        "samples": result.sample_count,
        "stored": result.stored,
        "unchanged": result.unchanged,
        "overwritten": result.overwritten,
        "rejected": [{"path": each.path, "reason": each.reason, "count": each.count} for each in result.rejected],
        "reason": result.reason,
        "detail": result.detail,
    }


def join_results(first: BatchResult, second: BatchResult) -> BatchResult:
    """One result for samples that were stored in two steps."""
    return replace(
        first,
        sample_count=first.sample_count + second.sample_count,
        stored=first.stored + second.stored,
        unchanged=first.unchanged + second.unchanged,
        overwritten=first.overwritten + second.overwritten,
        rejected=first.rejected + second.rejected,
        detail=first.detail or second.detail,
    )


def refusal(result: BatchResult) -> Problem | None:
    """Say why a batch as a whole was not taken; None when it was."""
    detail = result.detail or result.reason or "the batch was not taken"
    more = {"result": encode_result(result)}
    if result.outcome in _REFUSED:
        return Problem(Kinds.BODY_INVALID, detail, more=more)
    if result.outcome is BatchOutcome.HELD:
        return Problem(Kinds.CONFLICT, f"not taken now, send it again in another form or later: {detail}", more=more)
    return None


def encode_reject_page(rows: Sequence[RejectRow], cursor: str | None) -> bytes:
    """Write a page of rejects."""
    return msgspec.json.encode({"items": [_reject(row) for row in rows], "next": cursor})


def _reject(row: RejectRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "received_at": format_at(row.received_at),
        "last_received_at": format_at(row.last_received_at),
        "occurrences": row.occurrences,
        "topic": row.topic,
        "agent": row.agent,
        "epoch": row.epoch.hex if row.epoch else None,
        "seq": None if row.seq is None else int(row.seq),
        "path": row.path,
        "reason": row.reason,
        "detail": row.detail,
        "form": row.form,
        "sample_count": row.sample_count,
        "first_at": _at(row.first_at),
        "last_at": _at(row.last_at),
        "payload_bytes": row.payload_bytes,
        "replayed_at": _at(row.replayed_at),
        "replayed_by": row.replayed_by,
    }


def _at(at: datetime | None) -> str | None:
    return None if at is None else format_at(at)
