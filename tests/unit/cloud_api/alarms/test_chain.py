"""The chain of the journal: what its hashes cover, and that whatever is changed shows."""

import hashlib
import json
import struct
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from cloud_api.alarms.journal.chain import CONTENT, JOURNAL
from cloud_api.sealing.chain import End, Finding, FindingKind, Inspection
from cloud_api.storage.journal import JournalRow

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
BY_TYPE: dict[str, Any] = {
    "int": st.integers(0, 2**62),
    "UUID": st.uuids(),
    "str": TEXTS,
    "str | None": st.none() | TEXTS,
    "datetime": INSTANTS,
    "datetime | None": st.none() | INSTANTS,
    "float | None": st.none() | st.floats(allow_nan=False),
    "bool": st.booleans(),
    "bytes": st.binary(max_size=32),
}


def shown_type(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("datetime.", "")


ROWS = st.builds(JournalRow, **{each.name: BY_TYPE[shown_type(each.type)] for each in fields(JournalRow)})


def by_the_document(row: JournalRow) -> bytes:
    """The content as docs/alarms.md says it, by the standard library alone."""
    values: list[Any] = ["millstream.journal.v1"]
    for name in CONTENT:
        value = getattr(row, name)
        if isinstance(value, datetime):
            value = (value - EPOCH) // timedelta(microseconds=1)
        elif isinstance(value, float):
            value = struct.pack(">d", value).hex()
        elif isinstance(value, UUID):
            value = str(value)
        values.append(value)
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


@given(ROWS)
def test_the_content_is_the_documented_one(row: JournalRow):
    assert JOURNAL.content(row) == by_the_document(row)
    assert JOURNAL.chained(b"before", row) == hashlib.sha256(b"before" + by_the_document(row)).digest()


def test_the_hash_covers_every_column_but_itself():
    assert set(CONTENT) == {each.name for each in fields(JournalRow)} - {"hash"}


def sealed(rows: list[JournalRow]) -> list[JournalRow]:
    last, found = b"", []
    for number, row in enumerate(rows, 1):
        numbered = replace(row, number=number)
        last = JOURNAL.chained(last, numbered)
        found.append(replace(numbered, hash=last))
    return found


def findings(rows: list[JournalRow], end: End, anchor: End | None = None) -> list[Finding]:
    inspection = Inspection(JOURNAL, anchor)
    inspection.inspect(rows)
    inspection.finish(end)
    return inspection.findings


@given(st.lists(ROWS, min_size=1, max_size=6), st.data())
def test_whatever_is_changed_shows_where_it_was_changed(rows: list[JournalRow], data: st.DataObject):
    chain = sealed(rows)
    end = End(chain[-1].number, chain[-1].hash)
    assert findings(chain, end) == []
    place = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from([each for each in CONTENT if each != "number"]))
    kind = next(each.type for each in fields(JournalRow) if each.name == name)
    changed = replace(chain[place], **{name: data.draw(BY_TYPE[shown_type(kind)])})
    if JOURNAL.content(changed) == JOURNAL.content(chain[place]):
        return
    tampered = [*chain[:place], changed, *chain[place + 1 :]]
    assert findings(tampered, end) == [Finding(FindingKind.CHANGED, place + 1, changed.alarm_id)]


@given(st.lists(ROWS, min_size=2, max_size=6), st.data())
def test_what_is_missing_shows(rows: list[JournalRow], data: st.DataObject):
    chain = sealed(rows)
    end = End(chain[-1].number, chain[-1].hash)
    place = data.draw(st.integers(0, len(chain) - 1))
    left = chain[:place] + chain[place + 1 :]
    kind = FindingKind.CUT_OFF if place == len(chain) - 1 else FindingKind.MISSING
    assert findings(left, end) == [Finding(kind, place + 1)]
    # Cut off together with the end that is kept apart: only an end that was noted down elsewhere tells.
    shorter = chain[:-1]
    kept = End(shorter[-1].number, shorter[-1].hash)
    assert findings(shorter, kept) == []
    assert findings(shorter, kept, anchor=end) == [Finding(FindingKind.CUT_OFF, len(chain))]


def test_a_chain_that_was_written_anew_shows_at_the_anchor():
    day = datetime(2026, 1, 31, tzinfo=UTC)
    row = JournalRow(
        0, UUID(int=1), 1, UUID(int=2), 1, "a/b", None, "limit", None, None, "raise", day, day, "system", "normal",
        "unacknowledged", "high", "hi", 1.0, 0, 0.5, "high", "高", None, None, None, None, None, False, b"",
    )  # fmt: skip
    true, false = sealed([row, row]), sealed([row, replace(row, who="nobody")])
    end = End(2, false[-1].hash)
    assert findings(false, end) == []
    assert findings(false, end, anchor=End(2, true[-1].hash)) == [
        Finding(FindingKind.ANCHOR_DIFFERS, 2, false[-1].alarm_id)
    ]
    assert findings(true, end) == [Finding(FindingKind.END_DIFFERS, 2)]
