-- What was written above the watermark (decision 0091).

-- name: insert_write
insert into rollup_write (from_at, to_at, handed, series_ids)
values (%(from_at)s, %(to_at)s, %(handed)s, %(series)s::int4multirange)

-- name: select_writes
select array_agg(handed) filter (where handed is not null), range_agg(series_ids)::text
from rollup_write
where from_at < %(to_at)s and to_at > %(from_at)s

-- name: delete_writes
delete from rollup_write where to_at <= %(before)s
