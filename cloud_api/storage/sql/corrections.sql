-- Corrections: the samples as they were are kept before they are changed.

-- name: insert_correction
insert into correction (series_id, from_at, to_at, value, text, status, reason, principal, at)
values (%(series_id)s, %(from_at)s, %(to_at)s, %(value)s, %(text)s, %(status)s, %(reason)s, %(principal)s, %(at)s)
returning id

-- name: insert_corrected_samples
-- Returns their times, for what has to be rolled again.
with kept as (
    insert into corrected_sample (correction_id, series_id, status, time, value, text)
    select %(correction_id)s, series_id, status, time, value, text
    from sample
    where series_id = %(series_id)s and time >= %(from_at)s and time < %(to_at)s
    order by time
    limit %(limit)s
    returning time
)
select array_agg(time order by time) from kept

-- name: update_corrected_samples
-- Only what is still as it was kept; without a new value the old one stays under the new status.
update sample
set value = case when %(has_value)s then %(value)s else sample.value end,
    text = case when %(has_value)s then %(text)s else sample.text end,
    status = %(status)s
from corrected_sample as kept
where kept.correction_id = %(correction_id)s and sample.series_id = %(series_id)s and sample.time = kept.time
  and sample.time >= %(from_at)s and sample.time < %(to_at)s
  and (sample.status, sample.value, sample.text) is not distinct from (kept.status, kept.value, kept.text)

-- name: update_correction_count
update correction set sample_count = %(sample_count)s where id = %(correction_id)s

-- name: update_latest_corrected
update latest
set value = sample.value, text = sample.text, status = sample.status
from sample
where latest.series_id = %(series_id)s and latest.time >= %(from_at)s and latest.time < %(to_at)s
  and sample.series_id = latest.series_id and sample.time = latest.time

-- name: select_correction_page
select id, series_id, from_at, to_at, value, text, status, reason, principal, at, sample_count
from correction
where series_id = %(series_id)s and id < %(before_id)s
order by id desc
limit %(limit)s

-- name: select_correction
select id, series_id, from_at, to_at, value, text, status, reason, principal, at, sample_count
from correction
where series_id = %(series_id)s and id = %(correction_id)s

-- name: select_corrected_samples
select array_agg(time),
       array_agg(coalesce(value, 'NaN'::float8)),
       array_agg(status),
       case when count(text) > 0 then array_agg(text) end
from (
    select time, value, status, text
    from corrected_sample
    where correction_id = %(correction_id)s and time >= %(from_at)s
    order by time
    limit %(limit)s
) page
