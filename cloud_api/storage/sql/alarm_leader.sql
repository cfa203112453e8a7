-- What the alarm leader reads and keeps.

-- name: select_alarm_dues
-- Delays that ingest owns and that the clock has overtaken by the allowed lateness: no sample and no `until` came.
select s.definition_id, s.instance, i.plan::text, s.state::text, i.series_id
from alarm_state s
join alarm_instance i on i.definition_id = s.definition_id and i.instance = s.instance
where i.owner = 'ingest' and not i.is_removed and i.plan is not null and s.due_at <= %(before)s
order by s.due_at
limit %(limit)s

-- name: select_alarm_due_exists
select exists (
    select
    from alarm_state s
    join alarm_instance i on i.definition_id = s.definition_id and i.instance = s.instance
    where i.owner = 'ingest' and not i.is_removed and i.plan is not null and s.due_at <= %(before)s
)

-- name: take_alarm_samples
-- What came of these series after one instant and up to another; a series may be asked for more than once. In the same
-- snapshot what came late is taken (number 0, its last instant as text): whoever sees a late sample sees this too.
with taken as (
    delete from alarm_late returning id, series_id, from_at, to_at
)
select 0::bigint as number, series_id, from_at as time, null::float8 as value, 0 as status,
       (extract(epoch from to_at) * 1000000)::bigint::text as text
from taken
union all
select wanted.number, wanted.series_id, found.time, found.value, found.status, found.text
from unnest(%(series_ids)s::int4[], %(afters)s::timestamptz[], %(tos)s::timestamptz[]) with ordinality
    as wanted (series_id, after, upto, number)
cross join lateral (
    select time, value, status, text
    from sample
    where series_id = wanted.series_id and time > wanted.after and time <= wanted.upto
    order by time
) found
order by number, time

-- name: select_alarm_samples_between
select wanted.number, wanted.series_id, found.time, found.value, found.status, found.text
from unnest(%(series_ids)s::int4[], %(afters)s::timestamptz[], %(tos)s::timestamptz[]) with ordinality
    as wanted (series_id, after, upto, number)
cross join lateral (
    select time, value, status, text
    from sample
    where series_id = wanted.series_id and time > wanted.after and time <= wanted.upto
    order by time
) found
order by wanted.number, found.time

-- name: select_alarm_samples_before
-- The newest sample of each series up to an instant.
select wanted.series_id, found.time, found.value, found.status, found.text
from unnest(%(series_ids)s::int4[], %(tos)s::timestamptz[]) as wanted (series_id, upto)
cross join lateral (
    select time, value, status, text
    from sample
    where series_id = wanted.series_id and time <= wanted.upto
    order by time desc
    limit 1
) found

-- name: select_alarm_sources
-- Whose device each series is on.
select id, source_agent, device from series where id = any(%(series_ids)s::int4[])

-- name: select_alarm_cursors
select devices, evaluated_at from alarm_cursor

-- name: upsert_alarm_cursors
insert into alarm_cursor as c (devices, evaluated_at)
select new.devices, new.evaluated_at
from unnest(%(devices)s::text[], %(instants)s::timestamptz[]) as new (devices, evaluated_at)
on conflict (devices) do update
set evaluated_at = excluded.evaluated_at
where excluded.evaluated_at > c.evaluated_at

-- name: insert_alarm_late
insert into alarm_late (series_id, from_at, to_at, is_backlog)
select new.series_id, new.from_at, new.to_at, %(is_backlog)s
from unnest(%(series_ids)s::int4[], %(froms)s::timestamptz[], %(tos)s::timestamptz[]) as new (series_id, from_at, to_at)

-- name: select_lease_is_live
select expires_at > clock_timestamp() from lease where name = %(name)s
