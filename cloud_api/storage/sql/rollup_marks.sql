-- What has to be rolled: the watermark that ingest looks at, and marks.

-- name: lock_closed
-- Nobody ever waits for this lock: the roller looks who holds it (select_closed_holders).
-- Whoever takes it tells what it writes; statements of others are noticed by the trigger on `sample`.
select pg_advisory_xact_lock_shared(7260202, 1), set_config('millstream.tells', 'yes', true)

-- name: select_closed
-- A statement of its own after lock_closed: its snapshot must not be older than the lock.
-- Beside it up to where whoever writes inputs of calculations has to say so: arrays, null where there are none.
select (extract(epoch from closed_until) * 1000000)::bigint,
       case when isfinite(raw_kept_from) then (extract(epoch from raw_kept_from) * 1000000)::bigint end,
       front.series_ids,
       front.announced
from rollup_progress
left join lateral (
    select array_agg(each.series_id) as series_ids, array_agg(each.announced) as announced
    from (
        select i.series_id, (extract(epoch from max(p.announced_at)) * 1000000)::bigint as announced
        from calculation_progress p
        join calculation_input i on i.calculation_id = p.calculation_id
        group by i.series_id
        order by i.series_id
    ) each
) front on true

-- name: insert_marks
insert into rollup_dirty (resolution, bin_at, bin_minutes, from_at, to_at, series_ids, is_first, is_open, due_at)
select %(resolution)s, new.bin_at, new.bin_minutes, new.from_at, new.to_at, new.series_ids::int4multirange,
       %(is_first)s, %(is_open)s, %(due_at)s
from unnest(
    %(bins)s::timestamptz[], %(widths)s::int4[], %(froms)s::timestamptz[], %(tos)s::timestamptz[], %(series)s::text[]
) as new (bin_at, bin_minutes, from_at, to_at, series_ids)

-- name: select_unrolled
-- Marks whose rows stand, and only wait to be called final, are left out.
select m.resolution,
       (extract(epoch from m.from_at) * 1000000)::bigint,
       (extract(epoch from m.to_at) * 1000000)::bigint,
       array_agg(wanted.id)
from rollup_dirty m
join unnest(%(series_ids)s::int4[]) as wanted (id) on m.series_ids @> wanted.id
where m.from_at < %(to_at)s and m.to_at > %(from_at)s and not m.is_open
-- A share reads through a view, which has no primary key to depend on.
group by m.id, m.resolution, m.from_at, m.to_at

-- name: select_first_of_series
select min(time) from sample where series_id = any(%(series_ids)s)
