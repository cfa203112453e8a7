-- How assets stand, each with all that is below it.

-- name: select_asset_standing
-- What people enter comes when they come by: it is never silent nor old.
-- A series is measured up to its newest sample, or up to where its device has said that nothing changed.
with series_by_asset as (
    select s.asset as path,
           count(*) as series,
           count(*) filter (where l.status < 0) as bad,
           count(*) filter (where l.series_id is null and s.source_agent <> '~entries') as silent,
           min(greatest(l.time, u.until_at)) filter (where s.source_agent <> '~entries') as oldest_at,
           max(greatest(l.time, u.until_at)) as newest_at
    from series s
    left join latest l on l.series_id = s.id
    left join agent_until u on u.agent = s.source_agent and u.device = s.device
    where s.retired_at is null and s.asset is not null
    group by s.asset
), series_above as (
    select array_to_string((string_to_array(b.path, '/'))[1:levels], '/') as path,
           sum(b.series) as series, sum(b.bad) as bad, sum(b.silent) as silent,
           min(b.oldest_at) as oldest_at, max(b.newest_at) as newest_at
    from series_by_asset b,
         generate_series(1, length(b.path) - length(replace(b.path, '/', '')) + 1) as levels
    group by 1
), alarms_above as (
    select array_to_string((string_to_array(a.instance, '/'))[1:levels], '/') as path,
           count(*) filter (where a.priority = 'critical') as critical,
           count(*) filter (where a.priority = 'high') as high,
           count(*) filter (where a.priority = 'medium') as medium,
           count(*) filter (where a.priority = 'low') as low,
           count(*) filter (where a.is_active) as active,
           count(*) filter (where not a.is_acknowledged) as unacknowledged
    from alarm a,
         generate_series(1, length(a.instance) - length(replace(a.instance, '/', '')) + 1) as levels
    where a.retired_at is null
      and a.state in ('unacknowledged', 'acknowledged', 'returned', 'latched_unacknowledged', 'latched')
    group by 1
)
select t.id, t.path, t.parent, t.depth, t.kind, t.name_en, t.name_zh,
       coalesce(a.critical, 0) as critical, coalesce(a.high, 0) as high, coalesce(a.medium, 0) as medium,
       coalesce(a.low, 0) as low, coalesce(a.active, 0) as active, coalesce(a.unacknowledged, 0) as unacknowledged,
       coalesce(s.series, 0)::bigint as series, coalesce(s.bad, 0)::bigint as bad,
       coalesce(s.silent, 0)::bigint as silent, s.oldest_at, s.newest_at
from asset t
left join series_above s on s.path = t.path
left join alarms_above a on a.path = t.path
where t.path collate "C" >= %(from_path)s
  and t.path collate "C" < %(to_path)s
  and t.path ~ %(pattern)s
  and t.depth <= %(max_depth)s
order by t.path collate "C"
limit %(limit)s
