-- Sessions of people: found by the hash of their token; the user's row says what they may now.

-- name: insert_session
insert into login_session (principal_id, token_hash, address, client, expires_at)
values (%(user_id)s, %(token_hash)s, %(address)s, %(client)s, now() + %(lasts)s)
returning expires_at

-- name: select_session
select s.id, p.id as user_id, p.name, p.role, p.reach, p.is_password_one_time as must_change_password,
       s.seen_at < now() - interval '1 minute' as is_sight_unnoted
from login_session s
join principal p on p.id = s.principal_id
where s.token_hash = %(token_hash)s and s.expires_at > now() and s.seen_at > now() - %(idle)s and p.disabled_at is null

-- name: update_session_seen
update login_session set seen_at = now() where id = %(session_id)s

-- name: select_sessions
select id, address, client, created_at, seen_at, expires_at
from login_session
where principal_id = %(user_id)s and expires_at > now() and seen_at > now() - %(idle)s
order by id desc

-- name: delete_session
delete from login_session where principal_id = %(user_id)s and id = %(session_id)s

-- name: delete_sessions
delete from login_session
where principal_id = %(user_id)s and id is distinct from %(kept_id)s::bigint

-- name: delete_sessions_ended
delete from login_session where expires_at <= now() or seen_at <= now() - %(idle)s
