-- What calculations read of their inputs and how a leader gets on with those that are materialised.

-- name: select_inputs_between
-- Columns instead of rows; the outer bounds let the engine leave out partitions and chunks.
select wanted.number, found.times, found.measured, found.statuses
from unnest(%(series_ids)s::int4[], %(froms)s::timestamptz[], %(tos)s::timestamptz[]) with ordinality
    as wanted (id, from_at, to_at, number)
cross join lateral (
    select array_agg(time) as times,
           array_agg(coalesce(value, 'NaN'::float8)) as measured,
           array_agg(status) as statuses
    from (
        select time, value, status
        from input_sample
        where series_id = wanted.id and time >= wanted.from_at and time < wanted.to_at
          and time >= %(from_at)s and time < %(to_at)s
        order by time
    ) inside
) found
where found.times is not null

-- name: select_inputs_before
-- The last sample of each; of those that are looked back at, also the last two that are not Bad and a Bad one between.
select wanted.number, found.times, found.measured, found.statuses
from unnest(%(series_ids)s::int4[], %(befores)s::timestamptz[], %(nears)s::timestamptz[], %(lookings)s::int4[])
    with ordinality as wanted (id, before_at, near_at, looks_back, number)
cross join lateral (
    with usable as materialized (
        select time, value, status
        from input_sample
        where series_id = wanted.id and time < wanted.before_at and time >= wanted.near_at
          and status >= 0 and value is not null and wanted.looks_back = 1
        order by time desc
        limit 2
    ),
    around as (
        select time, value, status from usable
        union
        (
            select time, value, status
            from input_sample
            where series_id = wanted.id and time < wanted.before_at and time >= wanted.near_at
            order by time desc
            limit 1
        )
        union
        (
            select time, value, status
            from input_sample
            where series_id = wanted.id and time < wanted.before_at and wanted.looks_back = 1
              and time > (select min(time) from usable) and time < (select max(time) from usable)
              and (status < 0 or value is null)
            limit 1
        )
    )
    select array_agg(time order by time) as times,
           array_agg(coalesce(value, 'NaN'::float8) order by time) as measured,
           array_agg(status order by time) as statuses
    from around
) found
where found.times is not null

-- name: select_input_after
-- Where a change of an input ends to matter: at its second sample from then on, the first of which is not Bad.
select min(time)
from sample
where series_id = %(series_id)s
  and time > (
      select min(time) from sample
      where series_id = %(series_id)s and time >= %(from_at)s and status >= 0 and value is not null
  )

-- name: select_next_input_at
-- The first sample of any of these from then on.
select min(found.time)
from unnest(%(series_ids)s::int4[]) as wanted (id)
cross join lateral (
    select time from input_sample where series_id = wanted.id and time >= %(from_at)s order by time limit 1
) found

-- name: insert_calculation_marks
insert into calculation_dirty (calculation_id, series_id, from_at, to_at, due_at)
select p.calculation_id, new.series_id, new.from_at, new.to_at, %(due_at)s
from unnest(%(series_ids)s::int4[], %(froms)s::timestamptz[], %(tos)s::timestamptz[]) as new (series_id, from_at, to_at)
join calculation_input i on i.series_id = new.series_id
join calculation_progress p on p.calculation_id = i.calculation_id and p.announced_at >= new.from_at

-- name: insert_calculation_stretch
insert into calculation_dirty (calculation_id, from_at, to_at, due_at)
values (%(calculation_id)s, %(from_at)s, %(to_at)s, %(due_at)s)

-- name: upsert_announced
insert into calculation_progress as p (calculation_id, announced_at)
select new.calculation_id, new.announced_at
from unnest(%(calculation_ids)s::bigint[], %(instants)s::timestamptz[]) as new (calculation_id, announced_at)
join calculation c on c.id = new.calculation_id and c.mode = 'materialised' and c.deleted_at is null
on conflict (calculation_id) do update
set announced_at = greatest(p.announced_at, excluded.announced_at)

-- name: update_evaluated
update calculation_progress p
set evaluated_at = new.evaluated_at, problem = null, retry_at = null
from unnest(%(calculation_ids)s::bigint[], %(instants)s::timestamptz[]) as new (calculation_id, evaluated_at)
where p.calculation_id = new.calculation_id

-- name: update_calculation_problem
update calculation_progress
set problem = %(problem)s, retry_at = %(retry_at)s
where calculation_id = %(calculation_id)s

-- name: select_calculation_due
-- The calculation whose oldest mark is due, unless it is waiting out a fault.
select d.calculation_id
from calculation_dirty d
join calculation_progress p on p.calculation_id = d.calculation_id
where d.due_at <= %(now)s and p.evaluated_at is not null and (p.retry_at is null or p.retry_at <= %(now)s)
order by d.due_at, d.id
limit 1

-- name: take_calculation_marks
delete from calculation_dirty
where calculation_id = %(calculation_id)s and due_at <= %(now)s
returning series_id, from_at, to_at

-- name: select_calculated_samples
-- What stands, to be compared with what should.
select array_agg(time), array_agg(coalesce(value, 'NaN'::float8)), array_agg(status)
from (
    select time, value, status
    from sample
    where series_id = %(series_id)s and time >= %(from_at)s and time < %(to_at)s
    order by time
) inside

-- name: delete_calculated_samples
delete from sample
where series_id = %(series_id)s and time >= %(from_at)s and time < %(to_at)s and time = any(%(times)s::timestamptz[])

-- name: insert_alarm_late_calculated
-- Results that the alarm leader may have passed by its clock; nobody is told where it evaluates nothing.
insert into alarm_late (series_id, from_at, to_at, is_backlog)
select new.series_id, new.from_at, new.to_at, false
from unnest(%(series_ids)s::int4[], %(froms)s::timestamptz[], %(tos)s::timestamptz[]) as new (series_id, from_at, to_at)
where exists (select from alarm_instance where owner = 'leader' and not is_removed)

-- name: replace_latest_of_calculated
-- After samples were taken away the newest one may be another.
insert into latest (series_id, status, time, value, text, arrived_at)
select series_id, status, time, value, text, now()
from sample
where series_id = %(series_id)s
order by time desc
limit 1
on conflict (series_id) do update
set status = excluded.status, time = excluded.time, value = excluded.value, text = excluded.text,
    arrived_at = excluded.arrived_at
