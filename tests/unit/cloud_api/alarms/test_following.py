"""Whatever evaluation and people do to an alarm, in any order: its row and its journal agree."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from cloud_api.alarms.lifecycle.record import Change, Entry, JournalEvent, happen, memories_of
from cloud_api.alarms.lifecycle.states import AlarmEvent, AlarmState, Refusal
from cloud_api.alarms.maintenance.following import end_maintenance, maintain
from cloud_api.alarms.transitions import Transition, TransitionKind, follow, retire
from cloud_api.storage.alarms import AlarmRow
from cloud_api.storage.maintenance import Cover

START = datetime(2026, 1, 31, tzinfo=UTC)
COVER = Cover(UUID(int=9), START + timedelta(days=1), "bearings", "eva")
ROW = AlarmRow(
    id=UUID(int=1), definition_id=UUID(int=2), definition_version=1, instance="hall/pump/p", series_id=3, version=0,
    name=None, condition="stale", alarm_class=None, position=None, is_latching=False, is_auto_acknowledged=False,
    max_shelved_s=600, is_active=False, is_acknowledged=True, is_latched=False, shelving="unshelved",
    suppressed_by=None, maintenance_id=None, is_out_of_service=False, state="normal", priority="low", level=None,
    value=None, status=0, limit_value=None, message_en="", message_zh="", note=None, raised_at=None, cleared_at=None,
    annunciated_at=START, raise_count=0, acknowledged_at=None, acknowledged_by=None, shelved_at=None,
    shelved_until=None, shelved_by=None, shelved_reason=None, suppressed_at=None, out_of_service_at=None,
    out_of_service_by=None, out_of_service_reason=None, order_number=None, assignee=None, comment=None,
    retired_at=None, created_at=START, changed_at=START, unit=None,
)  # fmt: skip
VERBS = {
    AlarmEvent.ACKNOWLEDGE: JournalEvent.ACKNOWLEDGE,
    AlarmEvent.RESET: JournalEvent.RESET,
    AlarmEvent.SHELVE_TIMED: JournalEvent.SHELVE,
    AlarmEvent.SHELVE_ONE_SHOT: JournalEvent.SHELVE,
    AlarmEvent.UNSHELVE: JournalEvent.UNSHELVE,
    AlarmEvent.OUT_OF_SERVICE: JournalEvent.OUT_OF_SERVICE,
    AlarmEvent.RETURN: JournalEvent.RETURN,
}
TRANSITIONS = st.tuples(
    st.sampled_from(TransitionKind),
    st.sampled_from(["low", "high"]),
    st.sampled_from(["hi", "hihi", "lo"]),
    st.booleans(),
)
STEPS = st.lists(TRANSITIONS | st.sampled_from(sorted(VERBS)) | st.sampled_from(["maintain", "end"]), max_size=40)


def step(row: AlarmRow, what: Any, now: datetime) -> Change:
    if what == "maintain":
        return maintain(row, COVER, now)
    if what == "end":
        return Change(row, ()) if row.maintenance_id is None else end_maintenance(row, now)
    if isinstance(what, AlarmEvent):
        change = happen(row, what, Entry(VERBS[what], "olga", now, now))
        return Change(row, ()) if isinstance(change, Refusal) else change
    kind, priority, level, is_late = what
    transition = Transition(
        row.definition_id, 1, row.instance, 3, kind, now - timedelta(seconds=1), level, priority, 1.0, 0, 0.5, "e", "z",
        is_late, "a rule" if kind is TransitionKind.SUPPRESS else None,
    )  # fmt: skip
    return follow(row, transition, now)


@given(STEPS, st.booleans(), st.booleans())
def test_rows_and_journal_agree_whatever_happens(steps: list[Any], is_latching: bool, is_auto: bool):
    row = replace(ROW, is_latching=is_latching, is_auto_acknowledged=is_auto)
    condition, suppressed_by, in_maintenance = False, False, False
    for index, what in enumerate(steps):
        now = START + timedelta(seconds=index)
        before, change = row, step(row, what, now)
        row = change.row
        states = [before.state, *[entry.to_state for entry in change.journal]]
        assert [entry.from_state for entry in change.journal] == states[:-1]
        assert row.state == states[-1] == memories_of(row).state
        assert [entry.alarm_version for entry in change.journal] == [*range(before.version + 1, row.version + 1)]
        if isinstance(what, tuple) and what[3]:
            # Late: written down, and not a thing is changed by it.
            assert replace(row, version=before.version, changed_at=before.changed_at) == before
            assert [entry.is_late for entry in change.journal] == [True]
            continue
        if isinstance(what, tuple):
            condition = {"raise": True, "level": True, "clear": False}.get(what[0], condition)
            suppressed_by = {"suppress": True, "unsuppress": False}.get(what[0], suppressed_by)
        in_maintenance = (
            {"maintain": True, "end": False}.get(what, in_maintenance) if isinstance(what, str) else in_maintenance
        )
        assert row.is_active is condition
        assert (row.suppressed_by is not None, row.maintenance_id is not None) == (suppressed_by, in_maintenance)
        if row.is_active and not before.is_active and row.state == AlarmState.UNACKNOWLEDGED:
            assert row.annunciated_at == now
        if row.state == AlarmState.UNACKNOWLEDGED and before.state in {"shelved", "suppressed", "out_of_service"}:
            assert row.annunciated_at == now
        assert (row.shelved_until is None) or row.shelving != "unshelved"
    gone = retire(row, START, "eva")
    assert gone.row.state == AlarmState.NORMAL
    assert gone.journal[0].from_state == row.state
