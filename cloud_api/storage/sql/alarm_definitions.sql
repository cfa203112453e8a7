-- Alarm definitions and their versions.

-- name: insert_alarm_definitions
insert into alarm_definition (id, name, version, is_enabled, kind, priority, alarm_class, position, body, updated_by)
select new.id, new.name, 1, new.is_enabled, new.kind, new.priority, new.alarm_class, new.position, new.body::jsonb, %(who)s
from unnest(
    %(ids)s::uuid[], %(names)s::text[], %(enabled)s::bool[], %(kinds)s::text[], %(priorities)s::text[],
    %(classes)s::text[], %(positions)s::text[], %(bodies)s::text[]
) as new (id, name, is_enabled, kind, priority, alarm_class, position, body)

-- name: update_alarm_definitions
update alarm_definition d
set name = new.name, version = d.version + 1, is_enabled = new.is_enabled, kind = new.kind, priority = new.priority,
    alarm_class = new.alarm_class, position = new.position, body = new.body::jsonb, updated_at = now(),
    updated_by = %(who)s
from unnest(
    %(ids)s::uuid[], %(names)s::text[], %(enabled)s::bool[], %(kinds)s::text[], %(priorities)s::text[],
    %(classes)s::text[], %(positions)s::text[], %(bodies)s::text[]
) as new (id, name, is_enabled, kind, priority, alarm_class, position, body)
where d.id = new.id

-- name: update_alarm_definitions_deleted
update alarm_definition
set version = version + 1, deleted_at = now(), updated_at = now(), updated_by = %(who)s
where id = any(%(ids)s::uuid[]) and deleted_at is null

-- name: insert_alarm_definition_versions
insert into alarm_definition_version (definition_id, version, change, body, changed_by)
select d.id, d.version, new.change, d.body, %(who)s
from unnest(%(ids)s::uuid[], %(changes)s::text[]) as new (id, change)
join alarm_definition d on d.id = new.id

-- name: select_alarm_definitions
-- All that are in force, for matching, comparing and export.
select id, name, version, body::text, created_at, updated_at, updated_by, deleted_at
from alarm_definition
where deleted_at is null
order by name collate "C"

-- name: select_alarm_definition
select id, name, version, body::text, created_at, updated_at, updated_by, deleted_at
from alarm_definition
where id = %(id)s

-- name: select_alarm_definitions_named
select id, name, version, body::text, created_at, updated_at, updated_by, deleted_at
from alarm_definition
where name = any(%(names)s::text[]) and deleted_at is null

-- name: select_alarm_definitions_page
select d.id, d.name, d.version, d.body::text, d.created_at, d.updated_at, d.updated_by, d.deleted_at
from alarm_definition d
where d.deleted_at is null
  and d.name collate "C" > %(after_name)s
  and (%(kind)s::text is null or d.kind = %(kind)s)
  and (%(priority)s::text is null or d.priority = %(priority)s)
  and (%(position)s::text is null or d.position = %(position)s)
  and (%(q)s::text is null or strpos(lower(d.name), lower(%(q)s)) > 0)
  and (%(pattern)s::text is null or exists (
      select from alarm_instance i where i.definition_id = d.id and not i.is_removed and i.instance ~ %(pattern)s
  ))
order by d.name collate "C"
limit %(limit)s

-- name: select_alarm_definition_versions
select version, change, body::text, changed_at, changed_by
from alarm_definition_version
where definition_id = %(id)s
order by version desc
limit %(limit)s

-- name: select_alarm_definition_version
select version, change, body::text, changed_at, changed_by
from alarm_definition_version
where definition_id = %(id)s and version = %(version)s
