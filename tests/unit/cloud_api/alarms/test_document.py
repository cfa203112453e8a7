"""docs/alarms.md tells the truth about states, events and the content of a hash."""

import re
from pathlib import Path

from cloud_api.alarms.journal.chain import CONTENT, JOURNAL
from cloud_api.alarms.lifecycle.record import JournalEvent, Note
from cloud_api.alarms.lifecycle.states import AlarmState, Memories
from cloud_api.storage.alarm_list import AlarmList

DOCUMENT = (Path(__file__).parents[4] / "docs/alarms.md").read_text()
YES = {"yes": True, "no": False}


def test_the_table_of_states_is_the_one_of_the_code():
    rows = re.findall(r"^\| ([A-I]) \| `(\w+)` \| (\w+) \| (\w+) \| (\w+) \|", DOCUMENT, re.MULTILINE)
    assert [(letter, state) for letter, state, *_ in rows] == list(zip("ABCDEFGHI", AlarmState, strict=True))
    for _, state, active, acknowledged, latched in rows[:6]:
        for is_latched in [YES[latched]] if latched in YES else [True, False]:
            assert Memories(YES[active], YES[acknowledged], is_latched).state == state


def test_every_list_event_and_note_is_named():
    for name in (*AlarmList, *JournalEvent, *Note):
        assert f"`{name}`" in DOCUMENT, name


def test_the_content_of_a_hash_is_spelt_out():
    assert JOURNAL.name in DOCUMENT
    assert ", ".join(CONTENT) in " ".join(DOCUMENT.split())
