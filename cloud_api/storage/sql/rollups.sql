-- Rollup rows in and out, as columns; {rollup} is one of the tables, put in by psycopg.

-- name: copy_rollups
copy {rollup} (
    series_id, bucket, with_uncertain, state, valid_from,
    total, accepted, uncertain, first_at, last_at, first_status, last_status, worst_status, front_status,
    back_status, front_at, back_at, previous_at, low_at, high_at, held_us, held_good_us, good_us, zero_us,
    transitions, fall_count, first_value, last_value, front_value, back_value, previous_value, mean_offset, m2,
    low, high, step_area, line_area, span_step_area, span_line_area, rise, fall_sum, fall_least, fall_most,
    fall_later, worst_differs, low_repeated, high_repeated, skips,
    first_text, last_text, low_text, high_text, falls
) from stdin (format binary)

-- name: select_rollups
-- The bytes of columns, rows in no order: to sort or number rows this wide would take longer. Null is NaN or -1; of columns
-- that are mostly null come the keys of the rows where they are not, with what stands there (see rollup_wire.py).
select string_agg(int4send(series_id), ''), string_agg(timestamptz_send(bucket), ''),
       string_agg(boolsend(with_uncertain), ''), string_agg(charsend(state), ''),
       string_agg(timestamptz_send(valid_from), ''), string_agg(int4send(total), ''),
       string_agg(key || int4send(accepted), '') filter (where accepted is not null),
       string_agg(key || int4send(uncertain), '') filter (where uncertain is not null),
       string_agg(int4send(first_at), ''), string_agg(int4send(coalesce(last_at, -1)), ''),
       string_agg(key || int4send(first_status), '') filter (where first_status is not null),
       string_agg(key || int4send(last_status), '') filter (where last_status is not null),
       string_agg(key || int4send(worst_status), '') filter (where worst_status is not null),
       string_agg(key || int4send(front_status), '') filter (where front_status is not null),
       string_agg(key || int4send(back_status), '') filter (where back_status is not null),
       string_agg(key || int4send(front_at), '') filter (where front_at is not null),
       string_agg(key || int4send(back_at), '') filter (where back_at is not null),
       string_agg(int4send(coalesce(previous_at, -1)), ''), string_agg(int4send(coalesce(low_at, -1)), ''),
       string_agg(int4send(coalesce(high_at, -1)), ''),
       string_agg(key || int4send(held_us), '') filter (where held_us is not null),
       string_agg(key || int4send(held_good_us), '') filter (where held_good_us is not null),
       string_agg(key || int4send(good_us), '') filter (where good_us is not null),
       string_agg(key || int4send(zero_us), '') filter (where zero_us is not null),
       string_agg(int4send(coalesce(transitions, -1)), ''), string_agg(int4send(coalesce(fall_count, -1)), ''),
       string_agg(float8send(coalesce(first_value, 'NaN')), ''),
       string_agg(float8send(coalesce(last_value, 'NaN')), ''),
       string_agg(key || float8send(front_value), '') filter (where front_value is not null),
       string_agg(key || float8send(back_value), '') filter (where back_value is not null),
       string_agg(float8send(coalesce(previous_value, 'NaN')), ''),
       string_agg(float8send(coalesce(mean_offset, 'NaN')), ''), string_agg(float8send(coalesce(m2, 'NaN')), ''),
       string_agg(float8send(coalesce(low, 'NaN')), ''), string_agg(float8send(coalesce(high, 'NaN')), ''),
       string_agg(float8send(coalesce(step_area, 'NaN')), ''), string_agg(float8send(coalesce(line_area, 'NaN')), ''),
       string_agg(float8send(coalesce(span_step_area, 'NaN')), ''),
       string_agg(float8send(coalesce(span_line_area, 'NaN')), ''), string_agg(float8send(coalesce(rise, 'NaN')), ''),
       string_agg(float8send(coalesce(fall_sum, 'NaN')), ''), string_agg(float8send(coalesce(fall_least, 'NaN')), ''),
       string_agg(float8send(coalesce(fall_most, 'NaN')), ''), string_agg(float8send(coalesce(fall_later, 'NaN')), ''),
       string_agg(key || boolsend(worst_differs), '') filter (where worst_differs is not null),
       string_agg(boolsend(coalesce(low_repeated, false)), ''),
       string_agg(boolsend(coalesce(high_repeated, false)), ''),
       string_agg(key || boolsend(skips), '') filter (where skips is not null),
       case when count(first_text) > 0 then array_agg(first_text) end,
       case when count(last_text) > 0 then array_agg(last_text) end,
       case when count(low_text) > 0 then array_agg(low_text) end,
       case when count(high_text) > 0 then array_agg(high_text) end,
       case when count(falls) > 0 then array_agg(falls::text) end
from (
    select *, int4send(series_id) || timestamptz_send(bucket) || boolsend(with_uncertain) as key
    from {rollup}
    where series_id = any(%(series_ids)s) and bucket >= %(from_at)s and bucket < %(to_at)s {known}
) keyed

-- name: select_rollup_counts
-- The same of a few columns: a year of quarters for a chart.
select string_agg(int4send(series_id), ''), string_agg(timestamptz_send(bucket), ''),
       string_agg(boolsend(with_uncertain), ''), string_agg(int4send(total), ''),
       string_agg(key || int4send(accepted), '') filter (where accepted is not null),
       string_agg(int4send(first_at), ''), string_agg(int4send(coalesce(last_at, -1)), ''),
       string_agg(key || int4send(front_at), '') filter (where front_at is not null),
       string_agg(int4send(coalesce(low_at, -1)), ''), string_agg(int4send(coalesce(high_at, -1)), ''),
       string_agg(float8send(coalesce(first_value, 'NaN')), ''),
       string_agg(key || float8send(front_value), '') filter (where front_value is not null),
       string_agg(float8send(coalesce(mean_offset, 'NaN')), ''), string_agg(float8send(coalesce(m2, 'NaN')), ''),
       string_agg(float8send(coalesce(low, 'NaN')), ''), string_agg(float8send(coalesce(high, 'NaN')), ''),
       string_agg(boolsend(coalesce(low_repeated, false)), ''),
       string_agg(boolsend(coalesce(high_repeated, false)), ''),
       case when count(low_text) > 0 then array_agg(low_text) end,
       case when count(high_text) > 0 then array_agg(high_text) end
from (
    select *, int4send(series_id) || timestamptz_send(bucket) || boolsend(with_uncertain) as key
    from {rollup}
    where series_id = any(%(series_ids)s) and bucket >= %(from_at)s and bucket < %(to_at)s {known}
) keyed

-- name: select_rollup_extremes
-- The same of others: where the lowest and the highest samples stand, and what a row begins and ends with; with values only
-- where not every sample is accepted.
select string_agg(int4send(series_id), ''), string_agg(timestamptz_send(bucket), ''),
       string_agg(boolsend(with_uncertain), ''), string_agg(int4send(total), ''),
       string_agg(key || int4send(accepted), '') filter (where accepted is not null),
       string_agg(key || int4send(uncertain), '') filter (where uncertain is not null),
       string_agg(int4send(first_at), ''), string_agg(int4send(coalesce(last_at, -1)), ''),
       string_agg(key || int4send(first_status), '') filter (where first_status is not null),
       string_agg(key || int4send(last_status), '') filter (where last_status is not null),
       string_agg(key || int4send(worst_status), '') filter (where worst_status is not null),
       string_agg(key || int4send(front_at), '') filter (where front_at is not null),
       string_agg(key || int4send(back_at), '') filter (where back_at is not null),
       string_agg(int4send(coalesce(low_at, front_at, first_at)), ''),
       string_agg(int4send(coalesce(high_at, front_at, first_at)), ''),
       string_agg(key || float8send(first_value), '') filter (where first_value is not null and accepted is not null),
       string_agg(key || float8send(last_value), '') filter (where last_value is not null and accepted is not null),
       string_agg(key || float8send(front_value), '') filter (where front_value is not null),
       string_agg(float8send(coalesce(low, front_value, first_value, 'NaN')), ''),
       string_agg(float8send(coalesce(high, front_value, first_value, 'NaN')), ''),
       string_agg(key || boolsend(worst_differs), '') filter (where worst_differs is not null),
       case when count(first_text) > 0 then array_agg(first_text) end,
       case when count(last_text) > 0 then array_agg(last_text) end,
       case when count(low_text) > 0 then array_agg(low_text) end,
       case when count(high_text) > 0 then array_agg(high_text) end
from (
    select *, int4send(series_id) || timestamptz_send(bucket) || boolsend(with_uncertain) as key
    from {rollup}
    where series_id = any(%(series_ids)s) and bucket >= %(from_at)s and bucket < %(to_at)s {known}
) keyed

-- name: select_rollup_buckets_before
-- A bucket may have two rows, one a reading: three rows are two buckets at least.
select array_agg(bucket)
from (
    (
        select bucket
        from {rollup}
        where series_id = %(series_id)s and bucket < %(at)s {known}
        order by bucket desc
        limit 1
    )
    union
    (
        select bucket
        from {rollup}
        where series_id = %(series_id)s and bucket < %(at)s {known}
          and coalesce(accepted, total) > 0 and (%(with_uncertain)s or not with_uncertain)
        order by bucket desc
        limit 3
    )
) found

-- name: select_rollup_buckets_after
select array_agg(bucket)
from (
    (
        select bucket
        from {rollup}
        where series_id = %(series_id)s and bucket >= %(at)s {known}
        order by bucket
        limit 1
    )
    union
    (
        select bucket
        from {rollup}
        where series_id = %(series_id)s and bucket >= %(at)s {known}
          and coalesce(accepted, total) > 0 and (%(with_uncertain)s or not with_uncertain)
        order by bucket
        limit 1
    )
) found

-- name: select_newest_buckets
-- The newest bucket in a stretch, of each series that has one there.
select wanted.series_id, (extract(epoch from newest.bucket) * 1000000)::bigint
from unnest(%(series_ids)s::int4[]) as wanted (series_id)
cross join lateral (
    select bucket
    from {rollup}
    where series_id = wanted.series_id and bucket >= %(from_at)s and bucket < %(to_at)s {known}
    order by bucket desc
    limit 1
) newest

-- name: known_rollups
-- A part of the statements above, of the views rollup_…_known: what was known at a time.
and valid_from <= %(as_of)s and valid_to > %(as_of)s

-- name: update_rollup_states
update {rollup} r
set state = %(state)s::"char"
from unnest(%(series_ids)s::int4[], %(buckets)s::timestamptz[], %(readings)s::int4[])
    as key (series_id, bucket, reading)
where r.series_id = key.series_id and r.bucket = key.bucket and r.with_uncertain = (key.reading = 1)
  and r.series_id = any(%(all_ids)s) and r.bucket between %(from_at)s and %(to_at)s

-- name: insert_rollup_revisions
-- The columns of both tables stand in the same order, `valid_to` last.
insert into {revision}
select r.*, %(valid_to)s
from {rollup} r
join unnest(%(series_ids)s::int4[], %(buckets)s::timestamptz[], %(readings)s::int4[])
    as key (series_id, bucket, reading)
    on r.series_id = key.series_id and r.bucket = key.bucket and r.with_uncertain = (key.reading = 1)
where r.series_id = any(%(all_ids)s) and r.bucket between %(from_at)s and %(to_at)s
on conflict do nothing

-- name: delete_rollups
delete from {rollup} r
using unnest(%(series_ids)s::int4[], %(buckets)s::timestamptz[], %(readings)s::int4[])
    as key (series_id, bucket, reading)
where r.series_id = key.series_id and r.bucket = key.bucket and r.with_uncertain = (key.reading = 1)
  and r.series_id = any(%(all_ids)s) and r.bucket between %(from_at)s and %(to_at)s
