-- Calculated series as engineers define them.

-- name: lock_calculations
-- One change at a time: so that two of them cannot close a loop together.
select pg_advisory_xact_lock(7260202, 16)

-- name: insert_calculated_series
insert into series (source_agent, source_path, path, kind, unit, description, calculation)
values ('~calculations', %(source_path)s, %(path)s, %(kind)s, %(unit)s, %(description)s, %(mode)s)
returning id

-- name: insert_calculation
insert into calculation (series_id, mode, body, names, updated_by)
values (%(series_id)s, %(mode)s, %(body)s, %(names)s, %(who)s)
returning id

-- name: update_calculated_series
update series
set kind = %(kind)s, unit = %(unit)s, description = %(description)s, calculation = %(mode)s,
    device = case when %(mode)s = 'materialised' then 'calculation-' || %(calculation_id)s::text end
where id = %(series_id)s

-- name: update_calculation
update calculation
set version = version + 1, mode = %(mode)s, body = %(body)s, names = %(names)s, updated_by = %(who)s,
    updated_at = now(), deleted_at = null
where id = %(calculation_id)s

-- name: update_calculation_deleted
update calculation
set version = version + 1, updated_by = %(who)s, updated_at = now(), deleted_at = now()
where id = %(calculation_id)s

-- name: insert_calculation_version
insert into calculation_version (calculation_id, version, change, mode, body, changed_by)
select id, version, %(change)s, mode, body, %(who)s from calculation where id = %(calculation_id)s

-- name: select_calculation_versions
select version, change, mode, body::text, changed_at, changed_by
from calculation_version
where calculation_id = %(calculation_id)s
order by version desc

-- name: delete_calculation_inputs
delete from calculation_input where calculation_id = any(%(calculation_ids)s::bigint[])

-- name: insert_calculation_inputs
insert into calculation_input (calculation_id, series_id)
select new.calculation_id, new.series_id
from unnest(%(calculation_ids)s::bigint[], %(series_ids)s::int4[]) as new (calculation_id, series_id)

-- name: delete_calculation_progress
-- With it what waits to be computed again: only materialised calculations have either.
with no_marks as (delete from calculation_dirty where calculation_id = %(calculation_id)s)
delete from calculation_progress where calculation_id = %(calculation_id)s

-- name: select_calculations
select c.id, c.series_id, c.version, c.mode, c.body::text, c.names::text, c.created_at, c.updated_at, c.updated_by,
       c.deleted_at, s.path, s.kind, s.unit, s.description, s.retired_at, p.announced_at, p.evaluated_at, p.problem,
       p.retry_at
from calculation c
join series s on s.id = c.series_id
left join calculation_progress p on p.calculation_id = c.id
where c.deleted_at is null
order by c.id

-- name: select_calculation
select c.id, c.series_id, c.version, c.mode, c.body::text, c.names::text, c.created_at, c.updated_at, c.updated_by,
       c.deleted_at, s.path, s.kind, s.unit, s.description, s.retired_at, p.announced_at, p.evaluated_at, p.problem,
       p.retry_at
from calculation c
join series s on s.id = c.series_id
left join calculation_progress p on p.calculation_id = c.id
where c.id = %(calculation_id)s

-- name: select_calculation_page
select c.id, c.series_id, c.version, c.mode, c.body::text, c.names::text, c.created_at, c.updated_at, c.updated_by,
       c.deleted_at, s.path, s.kind, s.unit, s.description, s.retired_at, p.announced_at, p.evaluated_at, p.problem,
       p.retry_at
from calculation c
join series s on s.id = c.series_id
left join calculation_progress p on p.calculation_id = c.id
where c.deleted_at is null
  and s.path collate "C" >= %(from_path)s
  and s.path collate "C" < %(to_path)s
  and s.path collate "C" > %(after_path)s
  and s.path ~ %(pattern)s
  and (%(mode)s::text is null or c.mode = %(mode)s)
order by s.path collate "C"
limit %(limit)s

-- name: select_calculations_needed
-- Those of these series, and what they come down to as far as it is calculated on the fly.
with recursive needed (series_id) as (
    select unnest(%(series_ids)s::int4[])
    union
    select named.value::int4
    from needed n
    join calculation c on c.series_id = n.series_id and c.mode = 'on_the_fly'
    cross join lateral jsonb_each_text(c.names) named
)
select c.id, c.series_id, c.version, c.mode, c.body::text, c.names::text, c.created_at, c.updated_at, c.updated_by,
       c.deleted_at, s.path, s.kind, s.unit, s.description, s.retired_at, null::timestamptz as announced_at,
       null::timestamptz as evaluated_at, null::text as problem, null::timestamptz as retry_at
from needed n
join calculation c on c.series_id = n.series_id
join calculation_source s on s.id = c.series_id

-- name: select_calculation_sources
-- What is known of the series that calculations read: whose device each is on, and how far that was measured.
select id, path, kind, unit, source_agent, device, scan_period_s, retired_at, calculation, until_at
from calculation_source
where id = any(%(series_ids)s::int4[])

-- name: select_calculation_dirty_count
select count(*), min(from_at), max(to_at) from calculation_dirty where calculation_id = %(calculation_id)s

-- name: select_calculated_page
-- Series without a row in `latest`, because nothing of them is stored.
select id, path, kind, unit, description, low, high, device, asset,
       source_agent, source_path, scan_period_s, created_at, retired_at,
       stepped, treat_uncertain_as_bad, percent_data_good, percent_data_bad, sloped_extrapolation, counter_rollover,
       calculation
from series
where calculation = 'on_the_fly'
  and retired_at is null
  and path collate "C" >= %(from_path)s
  and path collate "C" < %(to_path)s
  and path collate "C" > %(after_path)s
  and path ~ %(pattern)s
order by path collate "C"
limit %(limit)s

-- name: update_calculated_series_retired
update series set retired_at = now() where id = %(series_id)s and retired_at is null
