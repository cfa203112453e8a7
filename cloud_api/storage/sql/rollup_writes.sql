-- What was written above the watermark (decision 0091).

-- name: insert_write
insert into rollup_write (from_at, to_at, handed, series_ids)
values (%(from_at)s, %(to_at)s, %(handed)s, %(series)s::int4multirange)

-- name: select_writes
-- In one snapshot with the instant from which on nothing of it was forgotten.
select array_agg(w.handed) filter (where w.handed is not null),
       range_agg(w.series_ids)::text,
       (extract(epoch from nullif(p.told_from, '-infinity')) * 1000000)::bigint
from rollup_progress p
left join rollup_write w on w.from_at < %(to_at)s and w.to_at > %(from_at)s
group by p.told_from

-- name: select_untold
select count(*), max(at) from untold_write

-- name: delete_untold
delete from untold_write

-- name: delete_writes
-- The edge moves with what is forgotten: whoever sees the one sees the other.
with moved as (
    update rollup_progress set told_from = %(before)s where told_from < %(before)s
)
delete from rollup_write where to_at <= %(before)s
