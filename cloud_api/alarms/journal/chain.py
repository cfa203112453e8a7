"""What the hashes of the journal of alarms cover (pure)."""

from uuid import UUID

from cloud_api.sealing.chain import Form
from cloud_api.storage.journal import JournalRow

CONTENT = (
    "number",
    "alarm_id",
    "alarm_version",
    "definition_id",
    "definition_version",
    "path",
    "name",
    "condition",
    "alarm_class",
    "position",
    "event",
    "at",
    "recorded_at",
    "who",
    "from_state",
    "to_state",
    "priority",
    "level",
    "value",
    "status",
    "limit_value",
    "message_en",
    "message_zh",
    "comment",
    "note",
    "order_number",
    "until_at",
    "assignee",
    "is_late",
)


def _alarm_of(row: JournalRow) -> UUID:
    return row.alarm_id


JOURNAL: Form[JournalRow] = Form("millstream.journal.v1", CONTENT, _alarm_of)
