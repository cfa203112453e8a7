"""The sealed audit as a file; and a file back to its rows, so that it can be verified without its database."""

from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from cloud_api.audit.answers import COLUMNS, write_lines
from cloud_api.audit.chain import AUDIT
from cloud_api.formats.accept import Format
from cloud_api.formats.rows import write_rows
from cloud_api.sealing.chain import End, Finding, FindingKind, Inspection
from cloud_api.sealing.verification import Verification
from cloud_api.storage.audit import AuditRow, insert_audit, select_audit_after, select_audit_start
from cloud_api.storage.migrate import check_schema
from cloud_api.storage.pool import open_pool

PAGE_ROWS = 5_000


class ExportForm(StrEnum):
    """How a file of the audit is written; JSON lines can be verified without the database."""

    JSONL = "jsonl"
    CSV = "csv"


class FileUnreadable(Exception):
    """A file holds no audit; it says which line is wrong."""


async def export_audit(
    url: str, form: ExportForm, window: tuple[datetime | None, datetime | None], who: str
) -> AsyncGenerator[bytes]:
    """Yield the file, in parts; that it was taken is written into the audit first.

    The rows follow each other without holes: from the first one at or after the window's beginning (None: of all) to
    the one before the first at or after its end.
    """
    pool = await open_pool(url, 1)
    async with pool, pool.connection() as connection:
        await check_schema(connection)
        detail = {"format": form.value, "from": window[0], "to": window[1]}
        await insert_audit(connection, who, "audit.export", None, detail)
        number, _ = await select_audit_start(connection)
        cut = _Cut(*window)
        is_first = True
        while not cut.is_over and (rows := await select_audit_after(connection, number, PAGE_ROWS)):
            number = rows[-1].number
            yield _write(cut.meant(rows), form, is_first=is_first)
            is_first = False


@dataclass(slots=True)
class _Cut:
    """Where a window of time begins and ends along the chain."""

    from_at: datetime | None
    to_at: datetime | None
    is_begun: bool = False
    is_over: bool = False

    def meant(self, rows: list[AuditRow]) -> list[AuditRow]:
        found: list[AuditRow] = []
        for row in rows:
            self.is_begun = self.is_begun or self.from_at is None or row.at >= self.from_at
            if self.is_begun and self.to_at is not None and row.at >= self.to_at:
                self.is_over = True
                break
            if self.is_begun:
                found.append(row)
        return found


def read_lines(lines: Iterable[bytes]) -> Iterator[AuditRow]:
    """Read JSON lines as they were exported; FileUnreadable names the line."""
    for place, line in enumerate(lines, 1):
        try:
            yield msgspec.json.decode(line, type=_Line).row()
        except (msgspec.MsgspecError, ValueError) as error:
            raise FileUnreadable(f"line {place}: {error}") from error


def verify_lines(lines: Iterable[bytes], anchor: End | None) -> Verification:
    """Verify exported rows: they must follow each other. A file that begins later begins with its first row's word."""
    inspection: Inspection[AuditRow] | None = None
    start = End()
    for row in read_lines(lines):
        if inspection is None:
            start = End() if row.number == 1 else End(row.number, row.hash)
            inspection = Inspection(AUDIT, anchor, start)
            if row.number != 1:
                continue
        inspection.inspect([row])
    if inspection is None:
        return Verification(start, (), 0, None)
    findings = list(inspection.findings)
    if anchor is not None and anchor.number > inspection.end.number:
        findings.append(Finding(FindingKind.CUT_OFF, inspection.end.number + 1))
    return Verification(inspection.end, tuple(findings), 0, None, start)


class _Line(msgspec.Struct):
    number: int
    at: datetime
    who: str
    via: str | None
    address: str | None
    action: str
    subject: str | None
    outcome: str
    detail: msgspec.Raw
    hash: str

    def row(self) -> AuditRow:
        detail = bytes(self.detail).decode()
        return AuditRow(
            number=self.number,
            at=self.at,
            who=self.who,
            action=self.action,
            subject=self.subject,
            detail=None if detail == "null" else detail,
            outcome=self.outcome,
            address=self.address,
            via=self.via,
            hash=bytes.fromhex(self.hash),
        )


def _write(rows: list[AuditRow], form: ExportForm, *, is_first: bool) -> bytes:
    if form is ExportForm.JSONL:
        return write_lines(rows)
    table = write_rows(rows, COLUMNS, Format.CSV)
    return table if is_first else table.partition(b"\r\n")[2]
