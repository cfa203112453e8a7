-- Where definitions stand, what their evaluation remembers, and the number by which a change of either is noticed.

-- name: select_alarm_generation_held
-- Holds off changes of definitions and the leader's timers until this transaction has ended.
select value from alarm_generation for share

-- name: update_alarm_generation
-- Waits until no evaluation is under way that knows less.
update alarm_generation set value = value + 1 returning value

-- name: select_alarm_series
select s.id, s.path, s.unit, s.low, s.high, s.scan_period_s, s.max_silence_s, s.source_agent, s.device
from series s
where s.retired_at is null
order by s.path collate "C"

-- name: select_template_assets
select t.name, a.path, a.attributes
from asset a
join asset_template t on t.id = a.template_id
order by a.path collate "C"

-- name: select_alarm_series_changed
-- Whether series came, went, moved or were described since the instances were made.
select count(*), coalesce(max(id), 0), count(device), coalesce(
    sum(hashtextextended(concat_ws('|', id, path, source_agent, device, unit, low, high, scan_period_s, max_silence_s), 0)), 0
)::text,
    (select count(*) from asset where template_id is not null), (select max(updated_at) from asset)
from series
where retired_at is null

-- name: select_alarm_instances
select definition_id, instance, definition_version, owner, agent, device, plan::text, problem, is_removed
from alarm_instance
where definition_id = any(%(ids)s::uuid[])

-- name: select_alarm_instances_changed
select definition_id, instance, definition_version, owner, agent, device, plan::text, problem, is_removed
from alarm_instance
where owner = %(owner)s and generation > %(generation)s and (plan is not null or is_removed)

-- name: select_alarm_instances_page
select instance, definition_version, owner, agent, device, plan::text, problem
from alarm_instance
where definition_id = %(id)s and not is_removed and instance collate "C" > %(after)s
order by instance collate "C"
limit %(limit)s

-- name: select_alarm_instance_counts
select count(*) filter (where plan is not null), count(*) filter (where problem is not null)
from alarm_instance
where definition_id = %(id)s and not is_removed

-- name: upsert_alarm_instances
insert into alarm_instance as i (
    definition_id, instance, definition_version, series_id, owner, agent, device, plan, problem, generation, is_removed
)
select new.definition_id, new.instance, new.version, new.series_id, new.owner, new.agent, new.device, new.plan::jsonb,
       new.problem, %(generation)s, new.is_removed
from unnest(
    %(ids)s::uuid[], %(instances)s::text[], %(versions)s::int4[], %(series_ids)s::int4[], %(owners)s::text[],
    %(agents)s::text[], %(devices)s::text[], %(plans)s::text[], %(problems)s::text[], %(removed)s::bool[]
) as new (definition_id, instance, version, series_id, owner, agent, device, plan, problem, is_removed)
on conflict (definition_id, instance) do update
set definition_version = excluded.definition_version, series_id = excluded.series_id, owner = excluded.owner,
    agent = excluded.agent, device = excluded.device, plan = excluded.plan, problem = excluded.problem,
    generation = excluded.generation, is_removed = excluded.is_removed

-- name: select_alarm_states_changed
select s.definition_id, s.instance, s.state::text
from alarm_state s
join alarm_instance i on i.definition_id = s.definition_id and i.instance = s.instance
where i.owner = %(owner)s and (s.generation > %(generation)s or i.generation > %(generation)s)

-- name: select_alarm_states
select s.definition_id, s.instance, s.state::text
from alarm_state s
join unnest(%(ids)s::uuid[], %(instances)s::text[]) as wanted (definition_id, instance)
  on wanted.definition_id = s.definition_id and wanted.instance = s.instance

-- name: upsert_alarm_states
insert into alarm_state as s (definition_id, instance, state, due_at, generation)
select new.definition_id, new.instance, new.state::jsonb, new.due_at, %(generation)s
from unnest(
    %(ids)s::uuid[], %(instances)s::text[], %(states)s::text[], %(dues)s::timestamptz[]
) as new (definition_id, instance, state, due_at)
order by new.definition_id, new.instance
on conflict (definition_id, instance) do update
set state = excluded.state, due_at = excluded.due_at, generation = greatest(s.generation, excluded.generation)

-- name: delete_alarm_states
delete from alarm_state s
using unnest(%(ids)s::uuid[], %(instances)s::text[]) as gone (definition_id, instance)
where s.definition_id = gone.definition_id and s.instance = gone.instance

-- name: select_alarm_latest
-- The newest sample of these series.
select series_id, time, value, status, text
from latest
where series_id = any(%(series_ids)s::int4[])

-- name: select_alarm_untils
select agent, device, until_at from agent_until

-- name: select_alarm_leader_series
-- Series that the leader reads: a sample that comes late has to be told to it.
select distinct found.id
from alarm_instance i
cross join lateral (
    select i.series_id as id
    union
    select value::int4 from jsonb_each_text(coalesce(i.plan -> 'inputs', '{}'))
    union
    select value::int4 from jsonb_each_text(coalesce(i.plan -> 'suppression' -> 'inputs', '{}'))
) found
where not i.is_removed and i.plan is not null and found.id is not null
  and (i.owner = 'leader' or i.plan -> 'suppression' ? 'when')

-- name: select_alarm_references
-- The first usable sample at or after an instant: what the next rate is computed from.
select wanted.series_id, wanted.from_at, found.time, found.value
from unnest(%(series_ids)s::int4[], %(froms)s::timestamptz[]) as wanted (series_id, from_at)
cross join lateral (
    select time, value
    from sample
    where series_id = wanted.series_id and time >= wanted.from_at and status >= 0 and value is not null
    order by time
    limit 1
) found
