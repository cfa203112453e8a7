-- Stored samples: pages of raw history, and buckets of it.

-- name: select_samples
-- One value instead of rows: the bytes that the server would send, of each sample its time and its value. Joining the two
-- costs less than a second aggregate, and so does each look at a row that is not made.
-- `value` is never null, so that every element is there. Statuses that are not Good, and texts, come with their times:
-- a column of what is mostly the same costs as much as one of values.
select string_agg(timestamptz_send(time) || float8send(coalesce(value, 'NaN'::float8)), null::bytea),
       string_agg(timestamptz_send(time) || int4send(status), null::bytea) filter (where status <> 0 or text is not null),
       array_agg(text) filter (where status <> 0 or text is not null)
from (
    select time, value, status, text
    from sample
    where series_id = %(series_id)s and time >= %(from_at)s and time < %(to_at)s
    order by time
    limit %(limit)s
) page

-- name: select_samples_before
-- Part 13, 3.1.8 and 3.1.9: the last sample of any status, and the last two that count as Good.
select array_agg(time order by time),
       array_agg(coalesce(value, 'NaN'::float8) order by time),
       array_agg(status order by time),
       case when count(text) > 0 then array_agg(text order by time) end
from (
    (
        select time, value, status, text
        from sample
        where series_id = %(series_id)s and time < %(from_at)s and time >= %(near_at)s
        order by time desc
        limit 1
    )
    union
    (
        select time, value, status, text
        from sample
        where series_id = %(series_id)s and time < %(from_at)s and time >= %(near_at)s
          and status between 0 and %(highest_good)s and (value is not null or %(is_text)s)
        order by time desc
        limit 2
    )
) found

-- name: select_samples_after
-- The first sample of any status, and the first that counts as Good, at the end of the window or after it.
select array_agg(time order by time),
       array_agg(coalesce(value, 'NaN'::float8) order by time),
       array_agg(status order by time),
       case when count(text) > 0 then array_agg(text order by time) end
from (
    (
        select time, value, status, text
        from sample
        where series_id = %(series_id)s and time >= %(to_at)s and time < %(near_at)s
        order by time
        limit 1
    )
    union
    (
        select time, value, status, text
        from sample
        where series_id = %(series_id)s and time >= %(to_at)s and time < %(near_at)s
          and status between 0 and %(highest_good)s and (value is not null or %(is_text)s)
        order by time
        limit 1
    )
) found

-- name: select_samples_of_spans
-- As select_samples, of many stretches at once; the outer bounds let the engine leave out partitions and chunks.
select string_agg(timestamptz_send(time) || float8send(coalesce(value, 'NaN'::float8)), null::bytea),
       string_agg(timestamptz_send(time) || int4send(status), null::bytea) filter (where status <> 0 or text is not null),
       array_agg(text) filter (where status <> 0 or text is not null)
from (
    select x.time, x.value, x.status, x.text
    from unnest(%(froms)s::timestamptz[], %(tos)s::timestamptz[]) as span (from_at, to_at)
    cross join lateral (
        select time, value, status, text
        from sample
        where series_id = %(series_id)s and time >= span.from_at and time < span.to_at
          and time >= %(from_at)s and time < %(to_at)s
    ) x
    order by x.time
    limit %(limit)s
) page

-- name: select_sample_count_capped
select count(*)
from (
    select
    from input_sample
    where series_id = any(%(series_ids)s) and time >= %(from_at)s and time < %(to_at)s
    limit %(cap)s
) capped

-- name: select_buckets_of_integers
-- Buckets of one length, or between the edges of a calendar; minimum and maximum keep every digit, as text.
-- Part 13: Average, Minimum, Maximum and Count look at Good raw samples of the half-open interval.
with picked as (
    select series_id,
           coalesce(
               (%(edges_at)s::timestamptz[])[width_bucket(time, %(edges_at)s::timestamptz[])],
               date_bin(%(step_us)s * interval '1 microsecond', time, %(origin_at)s)
           ) as bucket,
           value,
           case when text ~ '^-?[0-9]+$' then text::numeric else value::numeric end as digits,
           status between 0 and %(highest_good)s and value is not null as is_good
    from sample
    where series_id = any(%(series_ids)s) and time >= %(from_at)s and time < %(to_at)s
)
select series_id,
       bucket,
       avg(value) filter (where is_good),
       (min(digits) filter (where is_good))::text,
       (max(digits) filter (where is_good))::text,
       count(*) filter (where is_good),
       count(*)
from picked
group by series_id, bucket
order by series_id, bucket

-- name: set_snapshot
set transaction isolation level repeatable read, read only

-- name: export_snapshot
-- What this transaction sees, for others to see too as long as it lasts.
select pg_export_snapshot()

-- name: join_snapshot
set transaction snapshot {snapshot}

-- name: set_statement_timeout
select set_config('statement_timeout', %(timeout_ms)s, true)
