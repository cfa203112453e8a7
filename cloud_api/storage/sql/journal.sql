-- The journal of alarms: sealing, reading along the chain, pages, and its end.

-- name: journal_columns
j.number, j.alarm_id, j.alarm_version, j.definition_id, j.definition_version, j.path, j.name, j.condition,
j.alarm_class, j.position, j.event, j.at, j.recorded_at, j.who, j.from_state, j.to_state, j.priority, j.level,
j.value, j.status::bigint & 4294967295 as status, j.limit_value, j.message_en, j.message_zh, j.comment, j.note,
j.order_number, j.until_at, j.assignee, j.is_late, j.hash

-- name: set_repeatable_read
set transaction isolation level repeatable read

-- name: lock_journal_head
select number, hash from alarm_journal_head for update

-- name: select_journal_head
select number, hash from alarm_journal_head

-- name: select_journal_unsealed
-- Whatever is committed and has no number yet: a row that was committed late is simply found later, whatever its id.
select j.id, {columns}
from alarm_journal j
where j.number is null
order by j.id
limit %(limit)s

-- name: update_journal_sealed
update alarm_journal j
set number = s.number, hash = s.hash
from unnest(%(ids)s::bigint[], %(numbers)s::bigint[], %(hashes)s::bytea[]) as s (id, number, hash)
where j.id = s.id

-- name: update_journal_head
update alarm_journal_head set number = %(number)s, hash = %(hash)s

-- name: select_journal_after
select {columns}
from alarm_journal j
where j.number > %(after)s
order by j.number
limit %(limit)s

-- name: select_journal_page
-- Newest first; only sealed rows, so that a page never changes afterwards.
select {columns}
from alarm_journal j
where j.number < %(before)s
  and (%(alarm_id)s::uuid is null or j.alarm_id = %(alarm_id)s)
  and (%(from_path)s::text is null
       or j.path collate "C" >= %(from_path)s and j.path collate "C" < %(to_path)s and j.path ~ %(pattern)s)
  and (%(from_at)s::timestamptz is null or j.at >= %(from_at)s)
  and (%(to_at)s::timestamptz is null or j.at < %(to_at)s)
  and (%(events)s::text[] is null or j.event = any(%(events)s))
order by j.number desc
limit %(limit)s

-- name: select_journal_unsealed_count
select count(*), min(recorded_at) from alarm_journal where number is null
