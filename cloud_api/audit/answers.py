"""Rows of the audit to what requests and files show of them (pure)."""

from collections.abc import Iterable

import msgspec

from cloud_api.audit.models import AuditEntry, AuditFinding, AuditVerification
from cloud_api.formats.rows import RowColumn
from cloud_api.formats.table import Kind
from cloud_api.instants import format_at
from cloud_api.sealing.verification import Verification
from cloud_api.storage.audit import AuditRow, Outcome

FINDINGS_SHOWN = 100

COLUMNS = (
    RowColumn("number", "number", Kind.SIGNED),
    RowColumn("at", "at", Kind.INSTANT),
    RowColumn("who", "who", Kind.TEXT),
    RowColumn("via", "via", Kind.TEXT),
    RowColumn("address", "address", Kind.TEXT),
    RowColumn("action", "action", Kind.TEXT),
    RowColumn("subject", "subject", Kind.TEXT),
    RowColumn("outcome", "outcome", Kind.TEXT),
    RowColumn("detail", "detail", Kind.TEXT),
    RowColumn("hash", "hash", Kind.TEXT),
)


def show_entry(row_id: int, row: AuditRow) -> AuditEntry:
    """Say everything of one row; its number and hash once it is sealed."""
    return AuditEntry(
        id=row_id,
        number=row.number or None,
        at=row.at,
        who=row.who,
        via=row.via,
        address=row.address,
        action=row.action,
        subject=row.subject,
        outcome=Outcome(row.outcome),
        detail=None if row.detail is None else msgspec.json.decode(row.detail),
        hash=row.hash.hex() or None,
    )


def write_lines(rows: Iterable[AuditRow]) -> bytes:
    """Write JSON lines; `detail` keeps the very text that was hashed."""
    return b"".join(write_line(row) + b"\n" for row in rows)


def write_line(row: AuditRow) -> bytes:
    """Write one row as JSON."""
    return msgspec.json.encode(
        {
            "number": row.number,
            "at": format_at(row.at),
            "who": row.who,
            "via": row.via,
            "address": row.address,
            "action": row.action,
            "subject": row.subject,
            "outcome": row.outcome,
            "detail": None if row.detail is None else msgspec.Raw(row.detail.encode()),
            "hash": row.hash.hex(),
        }
    )


def show_verification(found: Verification) -> AuditVerification:
    """Say whether the chain is whole, and if not where."""
    findings = [AuditFinding(kind=each.kind, number=each.number) for each in found.findings[:FINDINGS_SHOWN]]
    return AuditVerification(
        is_whole=not findings,
        sealed_through=found.end.number,
        hash=found.end.hash.hex(),
        starts_after=found.start.number,
        unsealed=found.unsealed,
        findings=findings,
    )
