-- Maintenance: who works where until when, and which alarms that covers.

-- name: select_maintenance_covers
-- Of the alarms asked for, those that stand in a maintenance now, each with the one that lasts longest.
select distinct on (a.id) a.id as alarm_id, m.id, m.until_at, m.reason, m.who
from alarm a
left join series s on s.id = a.series_id
join maintenance m
  on (m.device is null or (m.device = s.device and (m.agent is null or m.agent = s.source_agent)))
 and (m.asset is null or a.instance = m.asset or starts_with(a.instance, m.asset || '/'))
 and (m.pattern is null or a.instance ~ m.pattern)
where a.id = any(%(alarm_ids)s::uuid[])
  and m.from_at <= %(now)s and m.until_at > %(now)s and m.ended_at is null
order by a.id, m.until_at desc, m.id
