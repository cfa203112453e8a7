-- Buckets of many series at once, as columns: counts, means, lowest and highest; samples that are to be put into buckets.

-- name: select_rollup_groups
-- Rows of rollups merged where they lie, by series and interval; `place` counts from 1. With texts a double lacks digits.
select array_agg(grouped.series_id), array_agg(grouped.place), array_agg(grouped.total), array_agg(grouped.accepted),
       array_agg(grouped.mean), array_agg(grouped.low), array_agg(grouped.high), sum(grouped.row_count)::int8,
       array_agg(grouped.series_id) filter (where grouped.has_texts)
from (
    select series_id,
           width_bucket(bucket, %(edges)s::timestamptz[]) as place,
           count(*) as row_count,
           sum(total)::float8 as total,
           sum(coalesce(accepted, total))::float8 as accepted,
           coalesce(
               sum(coalesce(accepted, total) * (coalesce(front_value, first_value, 0) + coalesce(mean_offset, 0)))
                   / nullif(sum(coalesce(accepted, total)), 0),
               0
           ) as mean,
           coalesce(min(coalesce(low, front_value, first_value)) filter (where coalesce(accepted, total) > 0), 0) as low,
           coalesce(max(coalesce(high, front_value, first_value)) filter (where coalesce(accepted, total) > 0), 0) as high,
           count(low_text) + count(high_text) + count(first_text) > 0 as has_texts
    from {rollup}
    where series_id = any(%(series_ids)s::int4[]) and bucket >= %(from_at)s and bucket < %(to_at)s
      and not with_uncertain {known}
    group by 1, 2
) grouped

-- name: select_measured
-- Times and values by series, in no order; what does not count is NaN. `missing` stands for a Good sample without number.
select series_id,
       array_agg(time),
       array_agg(case when status between 0 and %(highest_good)s then coalesce(value, %(missing)s::float8)
                      else 'NaN'::float8 end),
       count(text) > 0
from (
    select series_id, time, value, status, text
    from sample
    where series_id = any(%(series_ids)s::int4[]) and time >= %(from_at)s and time < %(to_at)s
    limit %(limit)s
) measured
group by series_id

-- name: select_sample_groups
-- Samples merged where they lie: for windows with more of them than are read into memory.
select array_agg(grouped.series_id), array_agg(grouped.bucket), array_agg(grouped.total), array_agg(grouped.accepted),
       array_agg(grouped.mean), array_agg(grouped.low), array_agg(grouped.high),
       array_agg(grouped.series_id) filter (where grouped.has_texts)
from (
    select series_id,
           coalesce(
               (%(edges_at)s::timestamptz[])[width_bucket(time, %(edges_at)s::timestamptz[])],
               date_bin(%(step_us)s * interval '1 microsecond', time, %(origin_at)s)
           ) as bucket,
           count(*)::float8 as total,
           count(coalesce(value, %(missing)s::float8))
               filter (where status between 0 and %(highest_good)s
                       and coalesce(value, %(missing)s::float8) <> 'NaN')::float8 as accepted,
           coalesce(avg(value) filter (where status between 0 and %(highest_good)s), 0) as mean,
           coalesce(min(value) filter (where status between 0 and %(highest_good)s), 0) as low,
           coalesce(max(value) filter (where status between 0 and %(highest_good)s), 0) as high,
           count(text) > 0 as has_texts
    from sample
    where series_id = any(%(series_ids)s::int4[]) and time >= %(from_at)s and time < %(to_at)s
    group by 1, 2
) grouped
