-- Values that people enter: the series made for it, and every entry.

-- name: insert_entered_series
insert into series (source_agent, source_path, path, kind, unit, description, low, high)
select '~entries',
       -- A series that was renamed keeps the source path that it was made with.
       case when exists (select from series where source_agent = '~entries' and source_path = %(path)s)
           then 'entered-' || gen_random_uuid() else %(path)s end,
       %(path)s, %(kind)s, %(unit)s, %(description)s, %(low)s, %(high)s
returning id

-- name: insert_entry_series
insert into entry_series (series_id, choices, made_by) values (%(series_id)s, %(choices)s::jsonb, %(made_by)s)

-- name: update_entry_series
with terms as (
    update entry_series set choices = %(choices)s::jsonb where series_id = %(series_id)s
)
update series set low = %(low)s, high = %(high)s where id = %(series_id)s

-- name: select_entry_series
select s.id, s.path, s.kind, s.unit, s.description, s.low, s.high, s.source_path, s.created_at, s.retired_at,
       e.series_id is not null as is_entered, e.choices::text as choices, coalesce(e.made_by, '') as made_by
from series s
left join entry_series e on e.series_id = s.id
where s.id = %(series_id)s

-- name: select_entry_series_page
select s.id, s.path, s.kind, s.unit, s.description, s.low, s.high, s.source_path, s.created_at, s.retired_at,
       true as is_entered, e.choices::text as choices, e.made_by
from entry_series e
join series s on s.id = e.series_id
where s.retired_at is null
  and s.path collate "C" >= %(from_path)s
  and s.path collate "C" < %(to_path)s
  and s.path collate "C" > %(after_path)s
  and s.path ~ %(pattern)s
order by s.path collate "C"
limit %(limit)s

-- name: select_last_entries
select distinct on (series_id)
       id, series_id, time, value, comment, who, entered_at, replaced_at, replaced_by, fingerprint
from series_entry
where series_id = any(%(series_ids)s) and replaced_at is null
order by series_id, time desc

-- name: select_entry_at
select id, series_id, time, value, comment, who, entered_at, replaced_at, replaced_by, fingerprint
from series_entry
where series_id = %(series_id)s and time = %(time)s and replaced_at is null

-- name: select_entry_by_key
select id, series_id, time, value, comment, who, entered_at, replaced_at, replaced_by, fingerprint
from series_entry
where caller = %(caller)s and key = %(key)s

-- name: select_entry_page
-- Newest first; of the same instant what was entered last comes first.
select id, series_id, time, value, comment, who, entered_at, replaced_at, replaced_by, fingerprint
from series_entry
where series_id = %(series_id)s
  and (%(with_replaced)s or replaced_at is null)
  and (%(from_at)s::timestamptz is null or time >= %(from_at)s)
  and (%(to_at)s::timestamptz is null or time < %(to_at)s)
  and (%(before_at)s::timestamptz is null or (time, id) < (%(before_at)s, %(before_id)s))
order by time desc, id desc
limit %(limit)s

-- name: update_entry_replaced
update series_entry set replaced_at = %(at)s, replaced_by = %(who)s
where id = %(entry_id)s and replaced_at is null
returning id

-- name: insert_entry
insert into series_entry (series_id, time, value, comment, who, entered_at, caller, key, fingerprint)
values (%(series_id)s, %(time)s, %(value)s, %(comment)s, %(who)s, %(entered_at)s, %(caller)s, %(key)s, %(fingerprint)s)
on conflict do nothing
returning id
