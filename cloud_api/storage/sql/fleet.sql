-- Agents as the API shows them, and the take-over of a replaced one.

-- name: select_agents
select id, state, boot_id, version, boot_at, config_revision, first_seen_at, last_seen_at, state_at,
       health::text as health, health_at, replaced_by
from agent
where id collate "C" > %(after_id)s
order by id collate "C"
limit %(limit)s

-- name: select_agent_for_update
select id, state, boot_id, version, boot_at, config_revision, first_seen_at, last_seen_at, state_at,
       health::text as health, health_at, replaced_by
from agent
where id = %(agent)s
for update

-- name: select_agent_untils
select agent, device, until_at
from agent_until
where agent = any(%(agents)s)
order by agent, device

-- name: select_take_over_conflicts
select o.source_path
from series o
join series n on n.source_agent = %(new)s and n.source_path = o.source_path
where o.source_agent = %(old)s
order by o.source_path collate "C"
limit 10

-- name: update_series_source_agent
update series set source_agent = %(new)s where source_agent = %(old)s

-- name: update_agent_replaced
update agent set replaced_by = %(new)s where id = %(old)s

-- name: insert_agent_known
insert into agent (id) values (%(agent)s) on conflict (id) do update set replaced_by = null
