-- How far rollups have got, and the steps in which they get on (decision 0052).

-- name: select_rollup_progress
select closed_until,
       marked_until,
       nullif(raw_kept_from, '-infinity'),
       nullif(rollup_1m_kept_from, '-infinity'),
       nullif(rollup_15m_kept_from, '-infinity'),
       nullif(raw_drop_until, '-infinity')
from rollup_progress

-- name: update_closed
update rollup_progress set closed_until = %(closed_at)s where closed_until is null or closed_until < %(closed_at)s

-- name: update_marked
update rollup_progress set marked_until = %(marked_at)s

-- name: select_closed_holders
-- The transactions that promised to mark; each has a number of its own.
select virtualtransaction
from pg_locks
where locktype = 'advisory' and classid = 7260202 and objid = 1 and objsubid = 2 and mode = 'ShareLock'
  and database = (select oid from pg_database where datname = current_database())
  and pid <> pg_backend_pid()

-- name: select_first_sample_at
select min(time) from sample

-- name: select_series_since
-- A series that has samples from then on has a newest one that is not older.
select range_agg(int4range(series_id, series_id + 1))::text from latest where time >= %(from_at)s

-- name: select_due_bin
-- The newest first, so that what is on time stays so while history is caught up; minutes before quarters.
select resolution, bin_at, bin_minutes, is_first, from_at, to_at
from rollup_dirty
where due_at <= %(now)s
order by bin_at desc, resolution desc, is_first
limit 1

-- name: select_held_bin
-- What is left for a while to whoever holds the samples, the newest first.
select resolution, bin_at, bin_minutes, is_first, from_at, to_at
from rollup_dirty
where is_first and due_at > %(now)s and due_at <= %(until)s and from_at >= %(from_at)s
order by bin_at desc
limit 1

-- name: hold_steps
-- Whoever rolls: one after the other, so that none writes rows of what it read before another one read and wrote.
select pg_advisory_xact_lock(7260202, 2)

-- name: select_first_waiting
select closed_until, exists (select from rollup_dirty where is_first) from rollup_progress

-- name: update_due
update rollup_dirty
set due_at = %(due_at)s
where resolution = %(resolution)s and bin_at = %(bin_at)s and bin_minutes = %(bin_minutes)s
  and is_first = %(is_first)s and (not is_first or (from_at = %(from_at)s and to_at = %(to_at)s))

-- name: update_quarters_due
-- Quarters wait for minutes that may still change them (MERGE_AFTER); here none does.
update rollup_dirty
set due_at = %(due_at)s
where resolution = '15m' and due_at > %(due_at)s and not is_open
  and from_at < %(to_at)s and to_at > %(from_at)s and series_ids && %(series)s::int4multirange

-- name: delete_marks
-- Together what they cover, without what may have been dropped; marks that appear from here on stay.
with gone as (
    delete from rollup_dirty
    where resolution = %(resolution)s and bin_at = %(bin_at)s and bin_minutes = %(bin_minutes)s
      and is_first = %(is_first)s and (not is_first or (from_at = %(from_at)s and to_at = %(to_at)s))
      and (due_at <= %(now)s or not is_open)
    returning from_at, to_at, series_ids
)
select (extract(epoch from greatest(min(from_at), edge.kept_from)) * 1000000)::bigint,
       (extract(epoch from max(to_at)) * 1000000)::bigint,
       range_agg(series_ids)::text
from gone
cross join (
    select case when %(resolution)s = '1m' then raw_drop_until else rollup_1m_kept_from end as kept_from
    from rollup_progress
) edge
group by edge.kept_from

-- name: select_series_to_roll
-- Their ids, whether they hold text, and how far their device was measured.
select array_agg(s.id order by s.id),
       array_agg((s.kind in ('str', 'json'))::int4 order by s.id),
       array_agg(coalesce(u.until_at, '9999-12-31 00:00:00+00') order by s.id)
from unnest(%(series)s::int4multirange) as run
join series s on s.id >= lower(run) and s.id < upper(run)
left join agent_until u on u.agent = s.source_agent and u.device = s.device

-- name: select_samples_of_series
-- Keys and values end to end as bytes, at most so many, in any order: arrays cost the database a quarter more, and to
-- sort them costs it more than it costs us. A sum with null is null, and is left out: so samples without a value come
-- by their keys alone, and statuses that are not Good, and texts, with theirs.
select string_agg(int4send(series_id) || timestamptz_send(time) || float8send(value), ''),
       string_agg(int4send(series_id) || timestamptz_send(time), '') filter (where value is null),
       string_agg(int4send(series_id) || timestamptz_send(time) || int4send(status), '') filter (where status <> 0),
       string_agg(int4send(series_id) || timestamptz_send(time), '') filter (where text is not null),
       array_agg(text) filter (where text is not null)
from (
    select series_id, time, value, status, text
    from sample
    where series_id = any(%(series_ids)s::int4[]) and time >= %(from_at)s and time < %(to_at)s
    limit %(limit)s
) block

-- name: select_backlog
select count(*),
       coalesce(sum((select sum(upper(run) - lower(run)) from unnest(series_ids) as run)), 0)::bigint,
       min(marked_at),
       min(from_at),
       count(*) filter (where is_open)
from rollup_dirty

-- name: set_rollup_snapshot
set transaction isolation level repeatable read, read only

-- name: select_sample_span
select min(time), max(time) from sample where series_id = %(series_id)s

-- name: select_sample_at
select min(time) from sample where series_id = %(series_id)s and time >= %(from_at)s
