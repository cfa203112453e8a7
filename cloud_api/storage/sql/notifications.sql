-- The outbox of notifications: journal rows in, messages that wait for delivery out.

-- name: select_notification_cursor
-- Locked: two processes never read the same rows, whatever their leases say.
select number from notification_cursor for update

-- name: update_notification_cursor
update notification_cursor set number = %(number)s

-- name: select_notification_link_key
select link_key from notification_cursor

-- name: select_sealed_rows
select number, alarm_id, definition_id, path, name, event, at, recorded_at, who, from_state, to_state, priority, level,
       value, limit_value, message_en, message_zh, comment, note, is_late, position, alarm_class
from alarm_journal
where number > %(number)s
order by number
limit %(limit)s

-- name: select_notification_items_last
-- The newest item of each route about each of these alarms.
select distinct on (route_id, alarm_id, event)
       id, route_id, alarm_id, number, event, group_key, since_at, due_at, step, repeat_count, alarm_count, told_at,
       closed_at, closed_because, snapshot::text
from notification_item
where alarm_id = any(%(alarm_ids)s)
order by route_id, alarm_id, event, id desc

-- name: insert_notification_item
-- The same journal row makes no second item.
insert into notification_item (route_id, alarm_id, number, event, group_key, since_at, due_at, step, repeat_count,
                               alarm_count, told_at, closed_at, closed_because, snapshot)
values (%(route_id)s, %(alarm_id)s, %(number)s, %(event)s, %(group_key)s, %(since_at)s, %(due_at)s, %(step)s,
        %(repeat_count)s, %(alarm_count)s, %(told_at)s, %(closed_at)s, %(closed_because)s, %(snapshot)s::jsonb)
on conflict (route_id, number) do nothing

-- name: update_notification_item
update notification_item
set since_at = %(since_at)s, due_at = %(due_at)s, step = %(step)s, repeat_count = %(repeat_count)s,
    alarm_count = %(alarm_count)s, told_at = %(told_at)s, closed_at = %(closed_at)s,
    closed_because = %(closed_because)s, snapshot = %(snapshot)s::jsonb
where id = %(id)s

-- name: select_notification_groups_due
select i.route_id, i.group_key, g.last_sent_at, g.flood_since
from (
    select distinct route_id, group_key
    from notification_item
    where closed_at is null and due_at <= %(now)s
    limit %(limit)s
) i
left join notification_group g using (route_id, group_key)

-- name: select_notification_items_open
select id, route_id, alarm_id, number, event, group_key, since_at, due_at, step, repeat_count, alarm_count, told_at,
       closed_at, closed_because, snapshot::text
from notification_item
where route_id = %(route_id)s and group_key = %(group_key)s and closed_at is null and due_at is not null
order by id
limit %(limit)s

-- name: select_notification_item_count
-- How many alarms a group has met lately, acknowledged ones too.
select count(*)
from notification_item
where route_id = %(route_id)s and group_key = %(group_key)s and since_at > %(since_at)s and event = 'raise'

-- name: upsert_notification_group
insert into notification_group (route_id, group_key, last_sent_at, flood_since)
values (%(route_id)s, %(group_key)s, %(last_sent_at)s, %(flood_since)s)
on conflict (route_id, group_key) do update
set last_sent_at = excluded.last_sent_at, flood_since = excluded.flood_since

-- name: select_alarms_active
-- What may inhibit others: active, and in sight.
select id, instance, priority, alarm_class, position
from alarm
where is_active and state not in ('shelved', 'suppressed', 'out_of_service')
limit %(limit)s

-- name: delete_notification_items_old
delete from notification_item
where id in (
    select id from notification_item
    where closed_at < now() - interval '30 days'
       or (due_at is null and since_at < now() - interval '90 days')
    limit 10000
)
