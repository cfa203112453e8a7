"""Pages of the journal as tables: the columns of its JSON."""

from cloud_api.formats.rows import RowColumn
from cloud_api.formats.table import Kind

COLUMNS = (
    RowColumn("number", "number", Kind.SIGNED),
    RowColumn("alarm_id", "alarm_id", Kind.TEXT),
    RowColumn("alarm_version", "alarm_version", Kind.SIGNED),
    RowColumn("definition_id", "definition_id", Kind.TEXT),
    RowColumn("definition_version", "definition_version", Kind.SIGNED),
    RowColumn("path", "path", Kind.TEXT),
    RowColumn("name", "name", Kind.TEXT),
    RowColumn("condition", "condition", Kind.TEXT),
    RowColumn("class", "alarm_class", Kind.TEXT),
    RowColumn("position", "position", Kind.TEXT),
    RowColumn("event", "event", Kind.TEXT),
    RowColumn("at", "at", Kind.INSTANT),
    RowColumn("recorded_at", "recorded_at", Kind.INSTANT),
    RowColumn("who", "who", Kind.TEXT),
    RowColumn("from", "from_state", Kind.TEXT),
    RowColumn("to", "to_state", Kind.TEXT),
    RowColumn("priority", "priority", Kind.TEXT),
    RowColumn("level", "level", Kind.TEXT),
    RowColumn("value", "value", Kind.NUMBER),
    RowColumn("status", "status", Kind.CODE),
    RowColumn("limit", "limit_value", Kind.NUMBER),
    RowColumn("message_en", "message_en", Kind.TEXT),
    RowColumn("message_zh", "message_zh", Kind.TEXT),
    RowColumn("comment", "comment", Kind.TEXT),
    RowColumn("note", "note", Kind.TEXT),
    RowColumn("order_number", "order_number", Kind.TEXT),
    RowColumn("until", "until_at", Kind.INSTANT),
    RowColumn("assignee", "assignee", Kind.TEXT),
    RowColumn("late", "is_late", Kind.BOOLEAN),
    RowColumn("hash", "hash", Kind.TEXT),
)
