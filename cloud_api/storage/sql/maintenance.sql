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

-- name: select_maintenance_matters
select exists (select from maintenance where from_at <= %(now)s and until_at > %(now)s and ended_at is null)
    or exists (select from alarm where maintenance_id is not null)

-- name: select_maintenance_differences
select a.id
from alarm a
left join series s on s.id = a.series_id
left join lateral (
    select m.id
    from maintenance m
    where m.from_at <= %(now)s and m.until_at > %(now)s and m.ended_at is null
      and (m.device is null or (m.device = s.device and (m.agent is null or m.agent = s.source_agent)))
      and (m.asset is null or a.instance = m.asset or starts_with(a.instance, m.asset || '/'))
      and (m.pattern is null or a.instance ~ m.pattern)
    order by m.until_at desc, m.id
    limit 1
) c on true
where a.condition = any(%(conditions)s::text[]) and a.retired_at is null
  and a.maintenance_id is distinct from c.id

-- name: maintenance_columns
m.id, m.version, m.agent, m.device, m.asset, m.path, m.from_at, m.until_at, m.reason, m.who, m.created_at,
m.ended_at, m.ended_by,
(select count(*) from alarm a where a.maintenance_id = m.id) as alarm_count,
(select count(*) from series s
 where s.retired_at is null
   and (m.device is null or (m.device = s.device and (m.agent is null or m.agent = s.source_agent)))
   and (m.asset is null or s.path = m.asset or starts_with(s.path, m.asset || '/'))
   and (m.pattern is null or s.path ~ m.pattern)) as series_count

-- name: insert_maintenance
insert into maintenance (agent, device, asset, path, pattern, from_at, until_at, reason, who, created_at)
values (%(agent)s, %(device)s, %(asset)s, %(path)s, %(pattern)s, %(from_at)s, %(until_at)s, %(reason)s, %(who)s, %(now)s)
returning id

-- name: select_maintenance
select {columns} from maintenance m where m.id = %(maintenance_id)s

-- name: lock_maintenance
select {columns} from maintenance m where m.id = %(maintenance_id)s for update of m

-- name: update_maintenance
update maintenance
set version = version + 1, until_at = %(until_at)s, reason = %(reason)s, ended_at = %(ended_at)s,
    ended_by = %(ended_by)s
where id = %(maintenance_id)s

-- name: select_maintenance_page
select {columns}
from maintenance m
where (%(before_at)s::timestamptz is null or (m.from_at, m.id) < (%(before_at)s, %(before_id)s))
  and (%(state)s = 'all'
       or %(state)s = 'planned' and m.ended_at is null and m.from_at > %(now)s
       or %(state)s = 'active' and m.ended_at is null and m.from_at <= %(now)s and m.until_at > %(now)s
       or %(state)s = 'open' and m.ended_at is null and m.until_at > %(now)s
       or %(state)s = 'ended' and (m.ended_at is not null or m.until_at <= %(now)s))
order by m.from_at desc, m.id desc
limit %(limit)s
