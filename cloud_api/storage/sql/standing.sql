-- What callers of open streams may now.

-- name: select_standing_keys
select id, role, reach
from api_key
where id = any(%(key_ids)s::bigint[]) and revoked_at is null and (expires_at is null or expires_at > now())

-- name: select_standing_sessions
select s.id, p.role, p.reach
from login_session s
join principal p on p.id = s.principal_id
where s.id = any(%(session_ids)s::bigint[]) and s.expires_at > now() and s.seen_at > now() - %(idle)s
  and p.disabled_at is null
