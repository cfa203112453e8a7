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
-- The first answer stays: two equal requests at once get the same one.
update idempotency
set status = coalesce(status, %(status)s), answer = coalesce(answer, %(answer)s)
where principal = %(principal)s and key = %(key)s
returning answer

-- name: delete_idempotency_old
delete from idempotency where created_at < now() - interval '24 hours'
