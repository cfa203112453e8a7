-- API keys: found by their public prefix, proved by the hash of their secret.

-- name: insert_api_key
insert into api_key (name, prefix, hash, role, scopes, expires_at, reach)
values (%(name)s, %(prefix)s, %(hash)s, %(role)s, %(scopes)s, %(expires_at)s, %(reach)s)
returning id

-- name: select_api_key
select id, name, prefix, hash, role, scopes, created_at, expires_at, revoked_at, last_used_at, reach,
       coalesce(last_used_at < now() - interval '1 minute', true) as is_use_unnoted,
       coalesce(expires_at <= now(), false) as is_expired
from api_key
where prefix = %(prefix)s

-- name: select_api_keys
select id, name, prefix, hash, role, scopes, created_at, expires_at, revoked_at, last_used_at, reach,
       false as is_use_unnoted,
       coalesce(expires_at <= now(), false) as is_expired
from api_key
order by id

-- name: update_api_key_used
update api_key set last_used_at = now() where id = %(key_id)s

-- name: update_api_key_revoked
update api_key set revoked_at = now() where prefix = %(prefix)s and revoked_at is null returning id

-- name: select_api_key_by_id
select id, name, prefix, hash, role, scopes, created_at, expires_at, revoked_at, last_used_at, reach,
       false as is_use_unnoted,
       coalesce(expires_at <= now(), false) as is_expired
from api_key
where id = %(key_id)s

-- name: update_api_key_expiry
update api_key set expires_at = %(expires_at)s where id = %(key_id)s
