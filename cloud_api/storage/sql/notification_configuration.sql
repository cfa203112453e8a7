-- Channels and routes.

-- name: select_channels
select id, name, version, kind, language, state, settings::text, secrets::text, updated_at, updated_by
from notification_channel
where %(ids)s::uuid[] is null or id = any(%(ids)s)
order by name collate "C"

-- name: insert_channel
insert into notification_channel (name, kind, language, state, settings, secrets, updated_by)
values (%(name)s, %(kind)s, %(language)s, %(state)s, %(settings)s::jsonb, %(secrets)s::jsonb, %(who)s)
returning id

-- name: update_channel
update notification_channel
set name = %(name)s, kind = %(kind)s, language = %(language)s, state = %(state)s, settings = %(settings)s::jsonb,
    secrets = %(secrets)s::jsonb, version = version + 1, updated_at = now(), updated_by = %(who)s
where id = %(id)s

-- name: delete_channel
delete from notification_channel where id = %(id)s

-- name: lock_channel
select id, name, version, kind, language, state, settings::text, secrets::text, updated_at, updated_by
from notification_channel
where id = %(id)s
for update

-- name: select_routes
select id, name, version, body::text, updated_at, updated_by
from notification_route
where (%(ids)s::uuid[] is null or id = any(%(ids)s)) and (%(state)s::text is null or state = %(state)s)
order by place, name collate "C"

-- name: lock_route
select id, name, version, body::text, updated_at, updated_by from notification_route where id = %(id)s for update

-- name: insert_route
insert into notification_route (name, place, state, body, updated_by)
values (%(name)s, %(place)s, %(state)s, %(body)s::jsonb, %(who)s)
returning id

-- name: update_route
update notification_route
set name = %(name)s, place = %(place)s, state = %(state)s, body = %(body)s::jsonb, version = version + 1,
    updated_at = now(), updated_by = %(who)s
where id = %(id)s

-- name: delete_route
delete from notification_route where id = %(id)s
