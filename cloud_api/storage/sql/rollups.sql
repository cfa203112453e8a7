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
-- Columns instead of rows; null travels as NaN or -1, so that elements have one width (see rollup_wire.py).
select array_agg(series_id), array_agg(bucket), array_agg(with_uncertain::int), array_agg(state::int),
       array_agg(valid_from),
       array_agg(total), array_agg(coalesce(accepted, -1)), array_agg(coalesce(uncertain, -1)), array_agg(first_at),
       array_agg(coalesce(last_at, -1)), array_agg(coalesce(first_status, 0)),
       array_agg(coalesce(last_status, first_status, 0)), array_agg(coalesce(worst_status, first_status, 0)),
       array_agg(coalesce(front_status, first_status, 0)),
       array_agg(coalesce(back_status, front_status, first_status, 0)), array_agg(coalesce(front_at, -1)),
       array_agg(coalesce(back_at, -1)), array_agg(coalesce(previous_at, -1)), array_agg(coalesce(low_at, -1)),
       array_agg(coalesce(high_at, -1)), array_agg(coalesce(held_us, -1)), array_agg(coalesce(held_good_us, -1)),
       array_agg(coalesce(good_us, -1)), array_agg(coalesce(zero_us, -1)), array_agg(coalesce(transitions, -1)),
       array_agg(coalesce(fall_count, -1)), array_agg(coalesce(first_value, 'NaN')),
       array_agg(coalesce(last_value, 'NaN')), array_agg(coalesce(front_value, 'NaN')),
       array_agg(coalesce(back_value, 'NaN')), array_agg(coalesce(previous_value, 'NaN')),
       array_agg(coalesce(mean_offset, 'NaN')), array_agg(coalesce(m2, 'NaN')), array_agg(coalesce(low, 'NaN')),
       array_agg(coalesce(high, 'NaN')), array_agg(coalesce(step_area, 'NaN')), array_agg(coalesce(line_area, 'NaN')),
       array_agg(coalesce(span_step_area, 'NaN')), array_agg(coalesce(span_line_area, 'NaN')),
       array_agg(coalesce(rise, 'NaN')), array_agg(coalesce(fall_sum, 'NaN')), array_agg(coalesce(fall_least, 'NaN')),
       array_agg(coalesce(fall_most, 'NaN')), array_agg(coalesce(fall_later, 'NaN')),
       array_agg(coalesce(worst_differs, false)::int), array_agg(coalesce(low_repeated, false)::int),
       array_agg(coalesce(high_repeated, false)::int), array_agg(coalesce(skips, false)::int),
       case when count(first_text) > 0 then array_agg(first_text) end,
       case when count(last_text) > 0 then array_agg(last_text) end,
       case when count(low_text) > 0 then array_agg(low_text) end,
       case when count(high_text) > 0 then array_agg(high_text) end,
       case when count(falls) > 0 then array_agg(falls::text) end
from (
    select *
    from {rollup}
    where series_id = any(%(series_ids)s) and bucket >= %(from_at)s and bucket < %(to_at)s {known}
    order by series_id, bucket, with_uncertain
) ordered

-- name: select_rollup_counts
-- The same of a few columns: a year of quarters for a chart.
select array_agg(series_id), array_agg(bucket), array_agg(with_uncertain::int), array_agg(state::int),
       array_agg(valid_from),
       array_agg(total), array_agg(coalesce(accepted, -1)), array_agg(first_at), array_agg(coalesce(last_at, -1)),
       array_agg(coalesce(front_at, -1)), array_agg(coalesce(low_at, -1)), array_agg(coalesce(high_at, -1)),
       array_agg(coalesce(first_value, 'NaN')), array_agg(coalesce(front_value, 'NaN')),
       array_agg(coalesce(mean_offset, 'NaN')), array_agg(coalesce(m2, 'NaN')), array_agg(coalesce(low, 'NaN')),
       array_agg(coalesce(high, 'NaN')), array_agg(coalesce(low_repeated, false)::int),
       array_agg(coalesce(high_repeated, false)::int),
       case when count(low_text) > 0 then array_agg(low_text) end,
       case when count(high_text) > 0 then array_agg(high_text) end
from (
    select *
    from {rollup}
    where series_id = any(%(series_ids)s) and bucket >= %(from_at)s and bucket < %(to_at)s {known}
    order by series_id, bucket, with_uncertain
) ordered

-- name: select_rollup_extremes
-- The same of others: where the lowest and the highest samples stand, and what a row begins and ends with.
select array_agg(series_id), array_agg(bucket), array_agg(with_uncertain::int), array_agg(state::int),
       array_agg(valid_from),
       array_agg(total), array_agg(coalesce(accepted, -1)), array_agg(coalesce(uncertain, -1)), array_agg(first_at),
       array_agg(coalesce(last_at, -1)), array_agg(coalesce(first_status, 0)),
       array_agg(coalesce(last_status, first_status, 0)), array_agg(coalesce(worst_status, first_status, 0)),
       array_agg(coalesce(front_at, -1)), array_agg(coalesce(back_at, -1)), array_agg(coalesce(low_at, -1)),
       array_agg(coalesce(high_at, -1)), array_agg(coalesce(first_value, 'NaN')),
       array_agg(coalesce(last_value, 'NaN')), array_agg(coalesce(front_value, 'NaN')),
       array_agg(coalesce(low, 'NaN')), array_agg(coalesce(high, 'NaN')),
       array_agg(coalesce(worst_differs, false)::int),
       case when count(first_text) > 0 then array_agg(first_text) end,
       case when count(last_text) > 0 then array_agg(last_text) end,
       case when count(low_text) > 0 then array_agg(low_text) end,
       case when count(high_text) > 0 then array_agg(high_text) end
from (
    select *
    from {rollup}
    where series_id = any(%(series_ids)s) and bucket >= %(from_at)s and bucket < %(to_at)s {known}
    order by series_id, bucket, with_uncertain
) ordered

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
