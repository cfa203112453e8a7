-- People as identity providers know them: an issuer's subject is one user; attempts that were answered; their sessions.

-- name: select_identity_user_id
select principal_id from login_identity where issuer = %(issuer)s and subject = %(subject)s

-- name: insert_identity_user
insert into principal (name, role, display_name, reach)
select %(name)s, %(role)s, %(display_name)s, %(reach)s
where not exists (select from api_key where name = %(name)s)
on conflict (name) do nothing
returning id

-- name: insert_identity
insert into login_identity (issuer, subject, principal_id) values (%(issuer)s, %(subject)s, %(user_id)s)
on conflict do nothing
returning principal_id

-- name: delete_identities
delete from login_identity where principal_id = %(user_id)s

-- name: delete_password
update principal set password_hash = null, is_password_one_time = false where id = %(user_id)s

-- name: insert_login_answered
insert into login_answered (state_hash) values (%(state_hash)s)
on conflict do nothing
returning 1

-- name: delete_login_answered_old
delete from login_answered where answered_at < now() - interval '1 hour'

-- name: insert_identity_session
insert into identity_session (session_id, issuer, subject, provider_session, id_token)
select id, %(issuer)s, %(subject)s, %(provider_session)s, %(id_token)s
from login_session
where token_hash = %(token_hash)s

-- name: select_identity_session_token
select id_token from identity_session where session_id = %(session_id)s
