-- What is known of how complete history is: series and what they promise, silences, gaps, outages, what is under way.

-- name: set_one_snapshot
-- Rollup rows and the marks over them must be of one moment.
set transaction isolation level repeatable read

-- name: select_promises
-- Series of a scope that were in use in the window, with what their source promises and how far it has delivered.
select s.id, s.path, s.asset, s.source_agent as agent, s.source_path, s.device, s.scan_period_s, s.deadband,
       s.max_silence_s, s.created_at, s.retired_at, u.until_at, l.time as latest_at
from series s
left join agent_until u on u.agent = s.source_agent and u.device = s.device
left join latest l on l.series_id = s.id
where s.path collate "C" >= %(from_path)s
  and s.path collate "C" < %(to_path)s
  and s.path collate "C" > %(after_path)s
  and s.path ~ %(pattern)s
  and (%(agent)s::text is null or s.source_agent = %(agent)s)
  and (s.retired_at is null or s.retired_at > %(from_at)s)
order by s.path collate "C"
limit %(limit)s

-- name: select_silences
-- One walk over the samples: how many, the first and the last, and the distances that are longer than each series may
-- be silent; the same again without Bad samples, which a lost device leaves at each attempt.
with watched as (
    select w.series_id, w.limit_us * interval '1 microsecond' as may_be_silent
    from unnest(%(series_ids)s::int4[], %(limits_us)s::int8[]) as w (series_id, limit_us)
),
walked as (
    select s.series_id, s.time, s.status >= 0 as is_measured,
           lag(s.time) over run as before,
           max(s.time) filter (where s.status >= 0)
               over (run rows between unbounded preceding and 1 preceding) as measured_before
    from sample s
    where s.series_id = any(%(series_ids)s::int4[]) and s.time >= %(scan_from)s and s.time < %(scan_to)s
    window run as (partition by s.series_id order by s.time)
)
select walked.series_id,
       count(*) filter (where time >= %(from_at)s and time < %(to_at)s) as received,
       min(time) as first_at,
       max(time) as last_at,
       min(time) filter (where is_measured) as first_measured_at,
       max(time) filter (where is_measured) as last_measured_at,
       array_agg(before order by time) filter (where time - before > may_be_silent) as silent_from,
       array_agg(time order by time) filter (where time - before > may_be_silent) as silent_to,
       array_agg(measured_before order by time)
           filter (where is_measured and time - measured_before > may_be_silent) as unmeasured_from,
       array_agg(time order by time)
           filter (where is_measured and time - measured_before > may_be_silent) as unmeasured_to
from walked
join watched on watched.series_id = walked.series_id
group by walked.series_id

-- name: select_gaps_between
-- Gaps of agents, and of those that they replaced, that touch the window.
with recursive followed as (
    select a.id as agent, a.id as source from unnest(%(agents)s::text[]) as a (id)
    union
    select followed.agent, agent.id from followed join agent on agent.replaced_by = followed.source
)
select followed.agent, gap.device, gap.paths, gap.from_at, gap.to_at, gap.reason
from followed
join gap on gap.agent = followed.source
where gap.from_at < %(to_at)s and gap.to_at > %(from_at)s
order by gap.from_at

-- name: select_outages_between
select part, from_at, to_at
from outage
where from_at < %(to_at)s and (to_at is null or to_at > %(from_at)s)
order by from_at

-- name: select_rejected_between
-- Source times of what was put aside and not replayed; without path it may be of any tag of the agent.
select agent, path, first_at, last_at
from reject
where agent = any(%(agents)s::text[]) and replayed_at is null and first_at is not null
  and first_at < %(to_at)s and last_at >= %(from_at)s

-- name: select_open_epochs
-- Epochs of which numbers have not arrived that must exist, and when they were made: after the epoch before was heard
-- last, and before this one was heard last.
select agent, heard_from, heard_to
from (
    select agent,
           lag(updated_at) over (partition by agent order by created_at, epoch) as heard_from,
           updated_at as heard_to,
           stored + rejected + lost as settled
    from ledger
    where agent = any(%(agents)s::text[])
) epochs
where not isempty(settled)
  and not isempty(int8multirange(int8range(1, upper(settled))) - settled)
  and (heard_from is null or heard_from < %(to_at)s)
  and heard_to > %(from_at)s

-- name: select_agent_states
select id, state, state_at, health->>'oldest_at' as oldest_at, health_at
from agent
where id = any(%(agents)s::text[])

-- name: select_agent_devices
-- Those that it has now; devices that left its configuration are never unreachable.
select u.agent, u.device
from agent_until u
left join agent on agent.id = u.agent
where u.agent = any(%(agents)s::text[])
  and (agent.health->'devices' is null
       or agent.health->'devices' @> jsonb_build_array(jsonb_build_object('name', u.device)))

-- name: select_maintenance_between
select agent, device, asset, pattern, from_at, least(until_at, coalesce(ended_at, until_at)) as to_at
from maintenance
where from_at < %(to_at)s and least(until_at, coalesce(ended_at, until_at)) > %(from_at)s

-- name: select_rollup_whole
-- Series with a row for every bucket and no sample Bad, of those that are due at one interval: how many samples, how
-- much time the row with the fewest lacks, the latest beginning and the earliest end of a row, and both ends of all.
-- Without a join: a year of ten thousand series is a hundred million rows.
select array_agg(whole.series_id), array_agg(whole.received), array_agg(whole.lack_us), array_agg(whole.latest_low),
       array_agg(whole.earliest_high), array_agg(whole.first_offset_us), array_agg(whole.last_offset_us)
from (
    select series_id,
           sum(total)::float8 as received,
           max((coalesce(last_at, first_at) - first_at)::float8 - (total - 1)::float8 * %(interval_us)s::float8) as lack_us,
           max(first_at)::int4 as latest_low,
           min(coalesce(last_at, first_at))::int4 as earliest_high,
           (max(first_at) filter (where bucket = %(from_at)s))::int4 as first_offset_us,
           (max(coalesce(last_at, first_at)) filter (where bucket = %(last_at)s))::int4 as last_offset_us
    from {rollup}
    where series_id = any(%(series_ids)s::int4[]) and bucket >= %(from_at)s and bucket < %(to_at)s
      and not with_uncertain
    group by series_id
    having count(*) = %(buckets)s and count(accepted) = 0
) whole

-- name: select_rollup_silences
-- The same walk over rollup rows: from the last sample of one to the first of the next. Where every scan gives a
-- sample, a row with too few of them hides a silence inside: its bucket is named, to be walked over itself.
with watched as (
    select w.series_id, w.limit_us * interval '1 microsecond' as may_be_silent, w.limit_us, w.interval_us
    from unnest(%(series_ids)s::int4[], %(limits_us)s::int8[], %(intervals_us)s::int8[])
        as w (series_id, limit_us, interval_us)
),
spans as (
    select r.series_id, r.bucket, r.total, coalesce(r.accepted, r.total) as accepted,
           r.first_at as low, coalesce(r.last_at, r.first_at) as high,
           case when coalesce(r.accepted, r.total) > 0 then coalesce(r.front_at, r.first_at) end as front,
           case when coalesce(r.accepted, r.total) > 1 then coalesce(r.back_at, r.last_at, r.first_at)
                when coalesce(r.accepted, r.total) = 1 then coalesce(r.back_at, r.front_at, r.first_at) end as back
    from {rollup} r
    where r.series_id = any(%(series_ids)s::int4[]) and r.bucket >= %(from_at)s and r.bucket < %(to_at)s
      and not r.with_uncertain
),
timed as (
    select s.*, w.may_be_silent,
           s.bucket + s.low * interval '1 microsecond' as first_at,
           s.bucket + s.high * interval '1 microsecond' as last_at,
           s.bucket + s.front * interval '1 microsecond' as front_at,
           s.bucket + s.back * interval '1 microsecond' as back_at,
           greatest(s.high - s.low - (s.total - 1)::numeric * w.interval_us,
                    s.back - s.front - (s.accepted - 1)::numeric * w.interval_us)
               > w.limit_us - w.interval_us as is_suspect
    from spans s
    join watched w on w.series_id = s.series_id
),
walked as (
    select timed.*, lag(last_at) over run as before,
           max(back_at) over (run rows between unbounded preceding and 1 preceding) as measured_before
    from timed
    window run as (partition by series_id order by bucket)
)
select series_id,
       sum(total)::int8 as received,
       min(first_at) as first_at,
       max(last_at) as last_at,
       min(front_at) as first_measured_at,
       max(back_at) as last_measured_at,
       array_agg(before order by bucket) filter (where first_at - before > may_be_silent) as silent_from,
       array_agg(first_at order by bucket) filter (where first_at - before > may_be_silent) as silent_to,
       array_agg(measured_before order by bucket) filter (where front_at - measured_before > may_be_silent)
           as unmeasured_from,
       array_agg(front_at order by bucket) filter (where front_at - measured_before > may_be_silent) as unmeasured_to,
       array_agg(bucket order by bucket) filter (where is_suspect) as suspects
from walked
group by series_id

-- name: select_silences_inside
-- Silences between the samples of single buckets.
select series_id,
       array_agg(before order by time) filter (where time - before > may_be_silent) as silent_from,
       array_agg(time order by time) filter (where time - before > may_be_silent) as silent_to,
       array_agg(measured_before order by time)
           filter (where is_measured and time - measured_before > may_be_silent) as unmeasured_from,
       array_agg(time order by time)
           filter (where is_measured and time - measured_before > may_be_silent) as unmeasured_to
from (
    select b.series_id, b.may_be_silent, s.time, s.status >= 0 as is_measured,
           lag(s.time) over run as before,
           max(s.time) filter (where s.status >= 0)
               over (run rows between unbounded preceding and 1 preceding) as measured_before
    from (
        select series_id, bucket, limit_us * interval '1 microsecond' as may_be_silent
        from unnest(%(series_ids)s::int4[], %(buckets)s::timestamptz[], %(limits_us)s::int8[])
            as b (series_id, bucket, limit_us)
    ) b
    join sample s on s.series_id = b.series_id and s.time >= b.bucket and s.time < b.bucket + %(width)s::interval
    where s.time >= %(from_at)s and s.time < %(to_at)s
    window run as (partition by b.series_id, b.bucket order by s.time)
) walked
group by series_id
