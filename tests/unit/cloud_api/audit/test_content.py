"""What the audit's hashes cover, as docs/audit.md says it; a file is read back as it was written."""

import hashlib
import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.audit.answers import write_line
from cloud_api.audit.chain import AUDIT, CONTENT
from cloud_api.audit.exporting import FileUnreadable, read_lines, verify_lines
from cloud_api.sealing.chain import End, FindingKind
from cloud_api.storage.audit import AuditRow

DOCUMENT = (Path(__file__).parents[4] / "docs/audit.md").read_text(encoding="utf-8")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
DETAILS = st.dictionaries(TEXTS, st.none() | TEXTS | st.integers(-9, 9) | st.floats(-1e9, 1e9), max_size=3)
ROWS = st.builds(
    AuditRow,
    number=st.integers(1, 2**62),
    at=st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    who=TEXTS,
    action=TEXTS,
    subject=st.none() | TEXTS,
    detail=st.none() | DETAILS.map(lambda value: json.dumps(value, indent=1)),
    outcome=st.sampled_from(["done", "refused", "failed"]),
    address=st.none() | TEXTS,
    via=st.none() | TEXTS,
    hash=st.binary(min_size=32, max_size=32),
)


def by_the_document(row: AuditRow) -> bytes:
    values: list[Any] = ["millstream.audit.v1"]
    for name in CONTENT:
        value = getattr(row, name)
        values.append((value - EPOCH) // timedelta(microseconds=1) if isinstance(value, datetime) else value)
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


@given(ROWS)
def test_the_content_is_the_documented_one(row: AuditRow):
    assert AUDIT.chained(b"before", row) == hashlib.sha256(b"before" + by_the_document(row)).digest()


def test_the_document_spells_it_out():
    assert set(CONTENT) == {each.name for each in fields(AuditRow)} - {"hash"}
    assert ", ".join(CONTENT) in " ".join(DOCUMENT.split())
    assert AUDIT.name in DOCUMENT


@given(ROWS)
def test_a_line_is_read_back_as_the_row_that_it_was(row: AuditRow):
    (again,) = read_lines([write_line(row)])
    # Compact JSON objects are one line; the text of a detail stays the very same but for what JSON lines cannot hold.
    assert AUDIT.content(again) == AUDIT.content(row)


def test_a_file_that_begins_later_is_verified_from_there_on():
    rows: list[AuditRow] = []
    last = b""
    for number in range(1, 6):
        row = AuditRow(number, EPOCH, "li", "a.b", None, '{"n":1}', "done", None, None, b"")
        last = AUDIT.chained(last, row)
        rows.append(AuditRow(number, EPOCH, "li", "a.b", None, '{"n":1}', "done", None, None, last))
    lines = [write_line(row) for row in rows]
    assert verify_lines(lines, End(5, last)).findings == ()
    later = verify_lines(lines[2:], None)
    assert (later.findings, later.start.number, later.end.number) == ((), 3, 5)
    assert [each.kind for each in verify_lines([*lines[:2], *lines[3:]], None).findings] == [FindingKind.MISSING]
    assert [each.kind for each in verify_lines(lines[:4], End(5, last)).findings] == [FindingKind.CUT_OFF]
    assert verify_lines([], None).findings == ()


def test_what_is_no_line_of_an_audit_is_named():
    with pytest.raises(FileUnreadable, match="line 1"):
        list(read_lines([b'{"number": "x"}']))
