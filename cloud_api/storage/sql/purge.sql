-- Taking a series away for good, in bounded steps.

-- name: select_sample_step
-- Where a step of so many samples ends: the time of the first sample that is left; null when all fit.
select time from sample where series_id = %(series_id)s order by time offset %(count)s limit 1

-- name: delete_samples_before
with gone as (
    delete from sample
    where series_id = %(series_id)s and (%(before_at)s::timestamptz is null or time < %(before_at)s)
    returning time
)
select count(*), min(time), max(time) from gone

-- name: select_rollup_step
select bucket from {rollup} where series_id = %(series_id)s order by bucket offset %(count)s limit 1

-- name: delete_rollups_before
delete from {rollup}
where series_id = %(series_id)s and (%(before_at)s::timestamptz is null or bucket < %(before_at)s)

-- name: delete_series_beside
-- All that hangs on a series but its samples and rollups; the statement ends with the series itself.
with
    no_latest as (delete from latest where series_id = %(series_id)s),
    no_calculation as (delete from calculation where series_id = %(series_id)s),
    no_old_samples as (delete from corrected_sample where series_id = %(series_id)s),
    no_corrections as (delete from correction where series_id = %(series_id)s),
    no_rejects as (
        delete from reject r using series s
        where s.id = %(series_id)s and r.agent = s.source_agent and r.path = s.source_path and r.form = 'samples'
    )
delete from series where id = %(series_id)s
