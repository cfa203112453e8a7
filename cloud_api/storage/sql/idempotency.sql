-- Answers kept for a day, so that a repeated request gets the same one.

-- name: insert_idempotency
insert into idempotency (principal, key, fingerprint)
values (%(principal)s, %(key)s, %(fingerprint)s)
on conflict (principal, key) do nothing
returning true

-- name: select_idempotency
select fingerprint, status, answer
from idempotency
where principal = %(principal)s and key = %(key)s

-- name: update_idempotency_answer
update idempotency set status = %(status)s, answer = %(answer)s
where principal = %(principal)s and key = %(key)s

-- name: delete_idempotency_old
delete from idempotency where created_at < now() - interval '24 hours'
