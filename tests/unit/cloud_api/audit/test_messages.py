"""RFC 5424 as a reader that is not ours would read it, whatever a row holds."""

import re
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from cloud_api.audit.answers import write_line
from cloud_api.audit.exporting import verify_lines
from cloud_api.audit.forwarding.messages import document_id, framed, write_document, write_message
from cloud_api.storage.audit import AuditRow
from tests.unit.cloud_api.audit.test_content import ROWS

HEAD = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([!-~]{1,255}) millstream - ([!-~]{1,32}) "
    rb"\[millstream@32473((?: [a-z]+=\"(?:[^\"\\\]]|\\[\"\\\]])*\")*)\] \xef\xbb\xbf(.*)",
    re.DOTALL,
)


@given(ROWS, st.text(min_size=1, max_size=30))
def test_every_row_is_one_readable_message(row: AuditRow, host: str):
    message = write_message(row, host)
    match = HEAD.fullmatch(message)
    assert match is not None, message
    assert int(match[1]) == 13 * 8 + (5 if row.outcome == "done" else 4)
    assert match[6] == write_line(row)
    # Nothing in a row begins a second message, or a line of a log.
    assert b"\n" not in match[5]
    length, _, rest = framed(message).partition(b" ")
    assert int(length) == len(rest)


def test_values_are_escaped():
    row = AuditRow(
        1, datetime(2026, 1, 31, tzinfo=UTC), 'a"b]c\\d', "x.y", "line\nbreak", None, "done", None, None, b""
    )
    message = write_message(row, "host")
    assert rb'who="a\"b\]c\\d"' in message
    assert b'subject="line?break"' in message


@given(ROWS)
def test_a_webhook_gets_what_an_export_has(row: AuditRow):
    document = write_document([row])
    assert document["lines"] == [write_line(row).decode()]
    assert document_id([row]) == document_id([row])
    assert isinstance(document_id([row]), UUID)
    assert verify_lines([line.encode() for line in document["lines"]], None).end.number == row.number
