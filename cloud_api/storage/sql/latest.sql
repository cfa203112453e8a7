-- The last measured sample of each series, by source time.

-- name: select_latest_page
-- Columns instead of rows, so that ten thousand tags cost milliseconds.
-- No path and no kind has a line feed; units and texts come with the ids of those that have one.
select array_agg(id),
       string_agg(path, E'\n'),
       string_agg(kind, E'\n'),
       array_agg(id) filter (where unit is not null),
       array_agg(unit) filter (where unit is not null),
       array_agg(time),
       array_agg(arrived_at),
       array_agg(coalesce(value, 'NaN'::float8)),
       array_agg(status),
       array_agg(id) filter (where text is not null),
       array_agg(text) filter (where text is not null)
from (
    select s.id, s.path, s.kind, s.unit, l.time, l.arrived_at, l.value, l.status, l.text
    from series s
    join latest l on l.series_id = s.id
    where s.path collate "C" >= %(from_path)s
      and s.path collate "C" < %(to_path)s
      and s.path collate "C" > %(after_path)s
      and (%(pattern)s::text = '^.*$' or s.path ~ %(pattern)s)
      and s.retired_at is null
    order by s.path collate "C"
    limit %(limit)s
) page

-- name: select_latest_of
select series_id, (extract(epoch from time) * 1000000)::bigint, (extract(epoch from arrived_at) * 1000000)::bigint
from latest
where series_id = any(%(series_ids)s::int4[])
