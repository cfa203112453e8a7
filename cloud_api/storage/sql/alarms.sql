-- Alarms as operators see them. `{columns}` and `{order}` stand for the fragments named so.

-- name: alarm_columns
a.id, a.definition_id, a.definition_version, a.instance, a.series_id, a.version, a.name, a.condition, a.alarm_class,
a.position, a.is_latching, a.is_auto_acknowledged, a.max_shelved_s, a.is_active, a.is_acknowledged, a.is_latched,
a.shelving, a.suppressed_by, a.maintenance_id, a.is_out_of_service, a.state, a.priority, a.level, a.value,
a.status::bigint & 4294967295 as status,
a.limit_value, a.message_en, a.message_zh, a.note, a.raised_at, a.cleared_at, a.annunciated_at, a.raise_count,
a.acknowledged_at, a.acknowledged_by, a.shelved_at, a.shelved_until, a.shelved_by, a.shelved_reason, a.suppressed_at,
a.out_of_service_at, a.out_of_service_by, a.out_of_service_reason, a.order_number, a.assignee, a.comment,
a.retired_at, a.created_at, a.changed_at,
(select i.plan ->> 'unit' from alarm_instance i
 where i.definition_id = a.definition_id and i.instance = a.instance) as unit

-- name: insert_alarms
-- Rows for places that have none yet.
insert into alarm (definition_id, definition_version, instance, series_id, name, condition, alarm_class, position,
                   is_latching, is_auto_acknowledged, max_shelved_s, priority, created_at, changed_at, annunciated_at)
select r.definition_id, r.definition_version, r.instance, r.series_id, r.name, r.condition, r.alarm_class, r.position,
       r.is_latching, r.is_auto_acknowledged, r.max_shelved_s, r.priority, %(now)s, %(now)s, %(now)s
from json_populate_recordset(null::alarm, %(rows)s::json) r
order by r.definition_id, r.instance
on conflict (definition_id, instance) do nothing

-- name: lock_alarms_by_place
-- Always in the order of their ids, so that two who lock several never wait for each other in a circle.
select {columns}
from alarm a
join unnest(%(definition_ids)s::uuid[], %(instances)s::text[]) w (definition_id, instance)
  on a.definition_id = w.definition_id and a.instance = w.instance
order by a.id
for update of a

-- name: lock_alarms_by_id
select {columns}
from alarm a
where a.id = any(%(ids)s::uuid[])
order by a.id
for update

-- name: select_alarms_by_id
select {columns}
from alarm a
where a.id = any(%(ids)s::uuid[])

-- name: lock_alarms_by_definition
select {columns}
from alarm a
where a.definition_id = %(definition_id)s
  and (%(instances)s::text[] is null or a.instance = any(%(instances)s))
order by a.id
for update

-- name: lock_alarms_shelved_until
select {columns}
from alarm a
where a.shelved_until <= %(now)s
order by a.id
limit %(limit)s
for update skip locked

-- name: update_alarms
update alarm a
set definition_version = r.definition_version, series_id = r.series_id, version = r.version, name = r.name,
    condition = r.condition, alarm_class = r.alarm_class, position = r.position, is_latching = r.is_latching,
    is_auto_acknowledged = r.is_auto_acknowledged, max_shelved_s = r.max_shelved_s, is_active = r.is_active,
    is_acknowledged = r.is_acknowledged, is_latched = r.is_latched, shelving = r.shelving,
    suppressed_by = r.suppressed_by, maintenance_id = r.maintenance_id, is_out_of_service = r.is_out_of_service,
    state = r.state, priority = r.priority, level = r.level, value = r.value, status = r.status,
    limit_value = r.limit_value, message_en = r.message_en, message_zh = r.message_zh, note = r.note,
    raised_at = r.raised_at, cleared_at = r.cleared_at, annunciated_at = r.annunciated_at,
    raise_count = r.raise_count, acknowledged_at = r.acknowledged_at, acknowledged_by = r.acknowledged_by,
    shelved_at = r.shelved_at, shelved_until = r.shelved_until, shelved_by = r.shelved_by,
    shelved_reason = r.shelved_reason, suppressed_at = r.suppressed_at, out_of_service_at = r.out_of_service_at,
    out_of_service_by = r.out_of_service_by, out_of_service_reason = r.out_of_service_reason,
    order_number = r.order_number, assignee = r.assignee, comment = r.comment, retired_at = r.retired_at,
    changed_at = r.changed_at
from json_populate_recordset(null::alarm, %(rows)s::json) r
where a.id = r.id

-- name: insert_alarm_journal
insert into alarm_journal (
    alarm_id, alarm_version, definition_id, definition_version, path, name, condition, alarm_class, position, event,
    at, recorded_at, who, from_state, to_state, priority, level, value, status, limit_value, message_en, message_zh,
    comment, note, order_number, until_at, assignee, is_late)
select alarm_id, alarm_version, definition_id, definition_version, path, name, condition, alarm_class, position, event,
       at, recorded_at, who, from_state, to_state, priority, level, value, status, limit_value, message_en, message_zh,
       comment, note, order_number, until_at, assignee, is_late
from json_populate_recordset(null::alarm_journal, %(rows)s::json) with ordinality
order by ordinality
