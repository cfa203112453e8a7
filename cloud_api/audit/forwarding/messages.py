"""Rows as RFC 5424 messages and as the document of a webhook (pure)."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from cloud_api.audit.answers import write_line
from cloud_api.instants import format_at
from cloud_api.storage.audit import AuditRow, Outcome

# Facility "log audit"; severity notice for what was done, warning for what was refused or failed (RFC 5424, 6.2.1).
FACILITY, NOTICE, WARNING = 13, 5, 4
APP = "millstream"
# Names of structured data need a number of an enterprise; this one is for documentation (RFC 5612), as we have none.
SD_ID = "millstream@32473"
LONGEST_HOST, LONGEST_ID, LONGEST_VALUE = 255, 32, 500
_NAMESPACE = UUID("0b9a3f6e-8a6f-4a53-8c0e-7f8f6f1d2a11")
_UNPRINTABLE = re.compile(r"[^!-~]")
_ESCAPED = re.compile(r'(["\\\]])')


def write_message(row: AuditRow, host: str) -> bytes:
    """Write one row: head, the columns as structured data, and the row as the JSON that an export has."""
    severity = NOTICE if row.outcome == Outcome.DONE else WARNING
    said = {
        "number": str(row.number),
        "who": row.who,
        "via": row.via,
        "address": row.address,
        "subject": row.subject,
        "outcome": row.outcome,
        "hash": row.hash.hex(),
    }
    data = "".join(f' {name}="{_value(value)}"' for name, value in said.items() if value is not None)
    head = f"<{FACILITY * 8 + severity}>1 {format_at(row.at)} {_name(host, LONGEST_HOST)} {APP} -"
    text = f"{head} {_name(row.action, LONGEST_ID)} [{SD_ID}{data}] "
    # The mark says that the message is UTF-8 (6.4).
    return text.encode() + b"\xef\xbb\xbf" + write_line(row)


def framed(message: bytes) -> bytes:
    """A message in a stream: its length first (RFC 6587, 3.4.1; RFC 5425, 4.3)."""
    return str(len(message)).encode() + b" " + message


def write_document(rows: Sequence[AuditRow]) -> dict[str, Any]:
    """What a webhook gets: lines as an export has them, to be verified by whoever keeps them."""
    return {
        "type": "audit.rows",
        "first": rows[0].number,
        "last": rows[-1].number,
        "lines": [write_line(row).decode() for row in rows],
    }


def document_id(rows: Sequence[AuditRow]) -> UUID:
    """The same for the same rows, however often they are sent."""
    return uuid5(_NAMESPACE, f"{rows[0].number}-{rows[-1].hash.hex()}")


def _name(text: str, longest: int) -> str:
    return _UNPRINTABLE.sub("?", text)[:longest] or "-"


def _value(text: str) -> str:
    plain = "".join(character if character.isprintable() else "?" for character in text[:LONGEST_VALUE])
    return _ESCAPED.sub(r"\\\1", plain)
