-- What the alarm KPIs are measured from: sealed journal rows, one array an alarm.

-- name: select_kpi_rows
-- Rows of the window, and before it each alarm's last row and its last raise or clear: they say how it entered the window.
-- The flags are those of cloud_api/alarms/kpi/streams.py.
with chosen as (
    select alarm_id, at, number, event, from_state, to_state, priority
    from alarm_journal
    where at >= %(from_at)s and at < %(to_at)s and number is not null and not is_late
    union all
    select before.*
    from alarm a
    cross join lateral (
        (
            select alarm_id, at, number, event, from_state, to_state, priority from alarm_journal
            where alarm_id = a.id and number is not null and at < %(from_at)s and not is_late
            order by number desc limit 1
        )
        union
        (
            select alarm_id, at, number, event, from_state, to_state, priority from alarm_journal
            where alarm_id = a.id and number is not null and at < %(from_at)s and not is_late
              and event in ('raise', 'clear', 'retire')
            order by number desc limit 1
        )
    ) before
    where a.raise_count > 0
),
coded as (
    select alarm_id, at, number,
           case event when 'raise' then 1 when 'clear' then 2 when 'retire' then 2 else 0 end
           | case when to_state in ('shelved', 'suppressed', 'out_of_service') then 4 else 0 end
           | case when to_state in ('unacknowledged', 'returned', 'latched_unacknowledged') then 8 else 0 end
           | case when from_state in ('shelved', 'suppressed', 'out_of_service')
                   and to_state not in ('shelved', 'suppressed', 'out_of_service') then 16 else 0 end
           | case when event = 'raise' and from_state in ('returned', 'latched_unacknowledged') then 32 else 0 end
           | case when event = 'level' and from_state <> 'unacknowledged'
                   and to_state = 'unacknowledged' then 64 else 0 end
           | case priority when 'critical' then 0 when 'high' then 256 when 'medium' then 512 else 768 end as flags
    from chosen
)
select a.id, a.definition_id, a.instance, a.name, a.position,
       array_agg(c.at order by c.at, c.number), array_agg(c.flags order by c.at, c.number)
from coded c
join alarm a on a.id = c.alarm_id
where %(position)s::text is null or a.position = %(position)s
group by a.id

-- name: select_kpi_late
-- Raises that came too late to be shown to anybody, by position.
select a.position, count(*)
from alarm_journal j
join alarm a on a.id = j.alarm_id
where j.at >= %(from_at)s and j.at < %(to_at)s and j.number is not null and j.is_late and j.event = 'raise'
  and (%(position)s::text is null or a.position = %(position)s)
group by a.position

-- name: select_kpi_unauthorised
-- What hides an alarm must have a name behind it: a person's, or for a suppression the rule's. A version of a definition
-- must have its audit row, which is written in the same transaction and so bears the same instant;
-- what is older than the audit is not asked about.
select position, count(*)
from (
    select a.position
    from alarm_journal j
    join alarm a on a.id = j.alarm_id
    where j.at >= %(from_at)s and j.at < %(to_at)s and j.number is not null
      and (j.event in ('shelve', 'out_of_service') and j.who = ''
           or j.event = 'suppress' and coalesce(j.note, '') = '')
    union all
    select v.body ->> 'position'
    from alarm_definition_version v
    where v.changed_at >= %(from_at)s and v.changed_at < %(to_at)s
      and not is_definition_change_audited(v.changed_at)
) found
where %(position)s::text is null or position = %(position)s
group by position
