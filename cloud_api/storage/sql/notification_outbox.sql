-- Messages: waiting, under way, sent, dead; and the journal of what became of them.

-- name: insert_notification
insert into notification (id, kind, route_id, route_name, channel_id, channel_name, group_key, step, alarm_ids, content,
                          state, due_at, max_attempts, last_error, created_at, link_until_at)
values (%(id)s, %(kind)s, %(route_id)s, %(route_name)s, %(channel_id)s, %(channel_name)s, %(group_key)s, %(step)s,
        %(alarm_ids)s, %(content)s::jsonb, %(state)s, %(due_at)s, %(max_attempts)s, %(last_error)s, %(created_at)s,
        %(link_until_at)s)

-- name: claim_notifications
-- A message whose sender died is claimed again, with the same id: it may have left already, and says so.
with due as (
    select id, state, channel_id, row_number() over (partition by channel_id order by due_at, number) as place
    from notification
    where (state = 'waiting' and due_at <= clock_timestamp())
       or (state = 'sending' and (claimed_until < clock_timestamp() or claimed_by = any(%(dead)s::text[])))
),
busy as (
    select channel_id, count(*) as busy_count
    from notification
    where state = 'sending' and claimed_until >= clock_timestamp() and not claimed_by = any(%(dead)s::text[])
    group by channel_id
),
chosen as (
    select n.id
    from due
    left join busy on busy.channel_id is not distinct from due.channel_id
    join notification n on n.id = due.id
    where due.place + coalesce(busy.busy_count, 0) <= %(per_channel)s
    order by n.due_at, n.number
    limit %(limit)s
    for update of n skip locked
)
update notification n
set state = 'sending', attempts = n.attempts + 1, claimed_by = %(owner)s, last_attempt_at = clock_timestamp(),
    claimed_until = clock_timestamp() + %(ttl)s::interval, may_be_copied = n.may_be_copied or n.state = 'sending'
from chosen
where n.id = chosen.id
returning n.id, n.kind, n.channel_id, n.route_name, n.group_key, n.step, n.content::text, n.attempts, n.max_attempts,
          n.created_at, n.link_until_at, n.link_used_at

-- name: update_notification_sent
update notification
set state = 'sent', sent_at = clock_timestamp(), last_error = null, claimed_by = null, claimed_until = null
where id = %(id)s and state = 'sending' and claimed_by = %(owner)s

-- name: update_notification_failed
update notification
set state = case when %(wait)s::interval is null then 'dead' else 'waiting' end,
    due_at = clock_timestamp() + coalesce(%(wait)s::interval, interval '0'),
    last_error = %(error)s, claimed_by = null, claimed_until = null
where id = %(id)s and state = 'sending' and claimed_by = %(owner)s

-- name: update_notification_resent
-- By hand: a dead or sent message goes out once more, under its id.
update notification
set state = 'waiting', due_at = clock_timestamp(), attempts = 0, may_be_copied = may_be_copied or sent_at is not null
where id = %(id)s and state in ('dead', 'sent', 'cancelled')
returning id

-- name: select_notification
select id, number, kind, route_id, route_name, channel_id, channel_name, group_key, step, alarm_ids, content::text,
       state, due_at, attempts, max_attempts, may_be_copied, last_attempt_at, last_error, created_at, sent_at,
       link_until_at, link_used_at, link_used_by
from notification
where id = %(id)s

-- name: select_notification_page
select id, number, kind, route_id, route_name, channel_id, channel_name, group_key, step, alarm_ids, content::text,
       state, due_at, attempts, max_attempts, may_be_copied, last_attempt_at, last_error, created_at, sent_at,
       link_until_at, link_used_at, link_used_by
from notification
where (%(before)s::bigint is null or number < %(before)s)
  and (%(state)s::text is null or state = %(state)s)
  and (%(kind)s::text is null or kind = %(kind)s)
  and (%(channel_id)s::uuid is null or channel_id = %(channel_id)s)
  and (%(route_id)s::uuid is null or route_id = %(route_id)s)
  and (%(alarm_id)s::uuid is null or alarm_ids @> array[%(alarm_id)s::uuid])
  and (%(from_at)s::timestamptz is null or created_at >= %(from_at)s)
  and (%(to_at)s::timestamptz is null or created_at < %(to_at)s)
order by number desc
limit %(limit)s

-- name: select_notification_counts
select state, count(*) from notification where state in ('waiting', 'sending', 'dead') group by state

-- name: lock_notification_link
select id, channel_name, alarm_ids, content::text, created_at, link_until_at, link_used_at, link_used_by
from notification
where id = %(id)s
for update

-- name: update_notification_link_used
update notification set link_used_at = clock_timestamp(), link_used_by = %(who)s where id = %(id)s

-- name: select_notification_claimants
select distinct claimed_by from notification where state = 'sending' and claimed_by is not null
