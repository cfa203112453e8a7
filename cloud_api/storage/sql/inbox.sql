-- The inbox of rejects: groups, what a selection means, rules.

-- name: select_reject_groups
select agent, path, reason, form, count(*) as rejects, sum(sample_count)::int8 as samples,
       sum(payload_bytes)::int8 as payload_bytes, min(first_at) as first_at, max(last_at) as last_at,
       max(id) as newest_id
from reject
where replayed_at is null
  and (%(agent)s::text is null or agent = %(agent)s)
  and (%(path)s::text is null or path = %(path)s)
  and (%(reason)s::text is null or reason = %(reason)s)
group by agent, path, reason, form
order by samples desc, newest_id desc
limit %(limit)s

-- name: select_open_rejects
select id, agent, path, reason, form, sample_count
from reject
where replayed_at is null
  and id > %(after_id)s
  and (%(ids)s::int8[] is null or id = any(%(ids)s))
  and (%(agent)s::text is null or agent = %(agent)s)
  and (%(path)s::text is null or path = %(path)s)
  and (%(reason)s::text is null or reason = %(reason)s)
order by id
limit %(limit)s

-- name: select_open_reject_sums
select count(*), coalesce(sum(sample_count), 0)::int8
from reject
where replayed_at is null
  and (%(ids)s::int8[] is null or id = any(%(ids)s))
  and (%(agent)s::text is null or agent = %(agent)s)
  and (%(path)s::text is null or path = %(path)s)
  and (%(reason)s::text is null or reason = %(reason)s)

-- name: select_open_reject_counts
select reason, count(*), coalesce(sum(sample_count), 0)::int8 from reject where replayed_at is null group by reason

-- name: upsert_reject_rule
insert into reject_rule (agent, path, reason, mapping, created_by)
values (%(agent)s, %(path)s, %(reason)s, %(mapping)s::jsonb, %(principal)s)
on conflict (agent, path, reason) do update
set mapping = excluded.mapping, created_by = excluded.created_by, created_at = now()
returning id

-- name: select_reject_rules
select id, agent, path, reason, mapping::text as mapping, applied, created_by, created_at
from reject_rule
order by id

-- name: delete_reject_rule
delete from reject_rule where id = %(rule_id)s returning agent, path, reason

-- name: select_due_rejects
-- Open rejects that a rule means, with what the rule says; those that it could not help are not tried twice.
select r.id, rule.id as rule_id, rule.mapping::text as mapping
from reject r
join reject_rule rule on rule.agent = r.agent and rule.path = r.path and rule.reason = r.reason
where r.replayed_at is null and r.form = 'samples' and r.id > %(after_id)s and r.last_received_at >= rule.created_at
order by r.id
limit %(limit)s

-- name: update_reject_rule_applied
update reject_rule set applied = applied + %(count)s where id = %(rule_id)s
