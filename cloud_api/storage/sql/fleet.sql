-- Agents as the API shows them.

-- name: select_agents
select id, state, boot_id, version, boot_at, config_revision, first_seen_at, last_seen_at, state_at,
       health::text as health, health_at, replaced_by, config::text as config
from agent
where id collate "C" > %(after_id)s
order by id collate "C"
limit %(limit)s

-- name: select_agent
select id, state, boot_id, version, boot_at, config_revision, first_seen_at, last_seen_at, state_at,
       health::text as health, health_at, replaced_by, config::text as config
from agent
where id = %(agent)s

-- name: select_agent_untils
select agent, device, until_at
from agent_until
where agent = any(%(agents)s)
order by agent, device
