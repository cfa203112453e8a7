-- People. A row of `principal` without a password hash cannot log in by password.

-- name: lock_users
select pg_advisory_xact_lock(7260202)

-- name: insert_user
insert into principal (name, role, display_name, reach, password_hash, password_changed_at, is_password_one_time)
select %(name)s, %(role)s, %(display_name)s, %(reach)s, %(password_hash)s, now(), true
where not exists (select from api_key where name = %(name)s)
on conflict (name) do nothing
returning id

-- name: select_user
select id, name, display_name, role, created_at, disabled_at, last_login_at, password_changed_at,
       is_password_one_time as must_change_password, second_factor is not null as has_second_factor, reach,
       exists (select from login_identity i where i.principal_id = principal.id) as has_identity
from principal
where id = %(user_id)s

-- name: select_users
select id, name, display_name, role, created_at, disabled_at, last_login_at, password_changed_at,
       is_password_one_time as must_change_password, second_factor is not null as has_second_factor, reach,
       exists (select from login_identity i where i.principal_id = principal.id) as has_identity
from principal
where name collate "C" > %(after_name)s
order by name collate "C"
limit %(limit)s

-- name: select_has_users
select 1 from principal limit 1

-- name: select_other_admin_count
select count(*) from principal where role = 'admin' and disabled_at is null and id <> %(user_id)s

-- name: update_user
update principal
set role = %(role)s, display_name = %(display_name)s, disabled_at = %(disabled_at)s, reach = %(reach)s
where id = %(user_id)s

-- name: select_credentials
select id, name, role, password_hash, second_factor, pending_second_factor, second_factor_step, recovery_hashes,
       disabled_at is not null as is_disabled
from principal
where name = %(name)s

-- name: update_password
update principal
set password_hash = %(password_hash)s, password_changed_at = now(), is_password_one_time = %(is_one_time)s
where id = %(user_id)s

-- name: update_password_hash
update principal set password_hash = %(new)s where id = %(user_id)s and password_hash = %(old)s

-- name: update_logged_in
update principal set last_login_at = now() where id = %(user_id)s

-- name: update_second_factor_pending
update principal set pending_second_factor = %(secret)s where id = %(user_id)s

-- name: update_second_factor
update principal
set second_factor = %(secret)s, pending_second_factor = null, second_factor_step = %(step)s,
    recovery_hashes = %(recovery_hashes)s::bytea[]
where id = %(user_id)s

-- name: update_second_factor_used
update principal set second_factor_step = %(step)s where id = %(user_id)s and second_factor_step < %(step)s

-- name: update_recovery_used
update principal set recovery_hashes = array_remove(recovery_hashes, %(recovery_hash)s)
where id = %(user_id)s and %(recovery_hash)s = any(recovery_hashes)

-- name: select_locked_s
select coalesce(max(greatest(extract(epoch from locked_until - now()), 0)), 0)::float8
from login_failure
where heading = any(%(headings)s)

-- name: upsert_login_failure
insert into login_failure as f (heading) values (%(heading)s)
on conflict (heading) do update
set failed_count = case when f.failed_at < now() - interval '1 day' then 1 else f.failed_count + 1 end,
    failed_at = now(),
    locked_until = case
        when f.failed_at >= now() - interval '1 day' and f.failed_count + 1 >= %(free)s
        then now() + make_interval(secs => least(%(longest_s)s, 30 * 2 ^ least(f.failed_count + 1 - %(free)s, 20)))
    end
returning failed_count, coalesce(greatest(extract(epoch from locked_until - now()), 0), 0)::float8 as locked_s

-- name: delete_login_failures
delete from login_failure where heading = any(%(headings)s)

-- name: delete_login_failures_old
delete from login_failure where failed_at < now() - interval '1 day'

-- name: select_key_name_taken
select 1 from principal where name = %(name)s
