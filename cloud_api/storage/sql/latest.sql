-- The last measured sample of each series, by source time.

-- name: select_latest_page
-- Columns instead of rows, as the bytes that the server would send; texts come with the ids of those that have one.
-- What a series is called is known by its row's version (xmin) to whoever asks again, and is not sent each time; a
-- version is one of a server's life.
select string_agg(int4send(id), ''),
       string_agg(xidsend(version), ''),
       string_agg(timestamptz_send(time), ''),
       string_agg(timestamptz_send(arrived_at), ''),
       string_agg(float8send(coalesce(value, 'NaN'::float8)), ''),
       string_agg(int4send(status), ''),
       array_agg(id) filter (where text is not null),
       array_agg(text) filter (where text is not null),
       pg_postmaster_start_time()
from (
    select s.id, s.xmin as version, l.time, l.arrived_at, l.value, l.status, l.text
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

-- name: select_latest_unordered
-- As select_latest_page, in no order: half of the work where all are wanted.
select string_agg(int4send(id), ''),
       string_agg(xidsend(version), ''),
       string_agg(timestamptz_send(time), ''),
       string_agg(timestamptz_send(arrived_at), ''),
       string_agg(float8send(coalesce(value, 'NaN'::float8)), ''),
       string_agg(int4send(status), ''),
       array_agg(id) filter (where text is not null),
       array_agg(text) filter (where text is not null),
       pg_postmaster_start_time()
from (
    select s.id, s.xmin as version, l.time, l.arrived_at, l.value, l.status, l.text
    from series s
    join latest l on l.series_id = s.id
    where (%(from_path)s::text = '' or s.path collate "C" >= %(from_path)s and s.path collate "C" < %(to_path)s)
      and (%(pattern)s::text = '^.*$' or s.path ~ %(pattern)s)
      and s.retired_at is null
    limit %(limit)s
) page

-- name: select_series_names
-- What these series are called, and of which version of their rows that is. No path and no kind has a line feed.
select string_agg(int4send(id), ''),
       string_agg(xidsend(xmin), ''),
       string_agg(path, E'\n'),
       string_agg(kind, E'\n'),
       array_agg(id) filter (where unit is not null),
       array_agg(unit) filter (where unit is not null)
from series
where id = any(%(series_ids)s::int4[])

-- name: select_latest_of
select series_id, (extract(epoch from time) * 1000000)::bigint, (extract(epoch from arrived_at) * 1000000)::bigint
from latest
where series_id = any(%(series_ids)s::int4[])
