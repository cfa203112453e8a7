-- What agents say of themselves, and who follows whom.

-- name: upsert_agents_seen
insert into agent (id, last_seen_at)
select new.id, new.seen_at
from unnest(%(ids)s::text[], %(seen_ats)s::timestamptz[]) as new (id, seen_at)
order by new.id
on conflict (id) do update
set last_seen_at = greatest(agent.last_seen_at, excluded.last_seen_at)

-- name: upsert_agent_online
insert into agent (id, state, boot_id, version, boot_at, config_revision, config, state_at, last_seen_at)
values (%(id)s, 'online', %(boot_id)s, %(version)s, %(boot_at)s, %(config_revision)s, %(config)s::jsonb, %(now)s, %(now)s)
on conflict (id) do update
set state = excluded.state, boot_id = excluded.boot_id, version = excluded.version, boot_at = excluded.boot_at,
    config_revision = excluded.config_revision, config = excluded.config, state_at = excluded.state_at,
    last_seen_at = greatest(agent.last_seen_at, excluded.last_seen_at)

-- name: upsert_agent_offline
-- The will of a boot that another boot has followed says nothing.
insert into agent (id, state, boot_id, version, boot_at, config_revision, state_at)
values (%(id)s, 'offline', %(boot_id)s, %(version)s, %(boot_at)s, %(config_revision)s, %(now)s)
on conflict (id) do update
set state = 'offline', state_at = excluded.state_at
where agent.boot_id is null or agent.boot_id = excluded.boot_id

-- name: upsert_agent_health
insert into agent (id, health, health_at, last_seen_at)
values (%(id)s, %(health)s::jsonb, %(now)s, %(now)s)
on conflict (id) do update
set health = excluded.health, health_at = excluded.health_at,
    last_seen_at = greatest(agent.last_seen_at, excluded.last_seen_at)

-- name: select_certificate_days
-- Of each use at each agent the one that ends first; what an agent said last holds while it is away.
select agent.id, said ->> 'use', extract(epoch from min((said ->> 'not_after')::timestamptz) - %(now)s)::float8 / 86400
from agent cross join lateral jsonb_array_elements(coalesce(health -> 'certificates', '[]')) said
where replaced_by is null and said ->> 'not_after' is not null
group by agent.id, said ->> 'use'

-- name: select_known_agents
select id from agent where last_seen_at > now() - %(age)s::interval

-- name: select_agent_exists
select exists (select from agent where id = %(id)s) or exists (select from series where source_agent = %(id)s)

-- name: update_agent_replaced
update agent set replaced_by = %(new_agent)s where id = %(old_agent)s
