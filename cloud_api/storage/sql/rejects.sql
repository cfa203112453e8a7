-- What was put aside, with its bytes and its reason.

-- name: insert_reject
-- The same rubbish again only counts: a publisher that repeats itself cannot fill the store.
insert into reject as r (
    received_at, last_received_at, topic, agent, epoch, seq, path, reason, detail, form, sample_count, first_at, last_at,
    digest, payload_bytes, payload
)
values (
    %(received_at)s, %(received_at)s, %(topic)s, %(agent)s, %(epoch)s, %(seq)s, %(path)s, %(reason)s, %(detail)s,
    %(form)s, %(sample_count)s, %(first_at)s, %(last_at)s, %(digest)s, %(payload_bytes)s, %(payload)s
)
on conflict (digest) do update
set occurrences = r.occurrences + 1, last_received_at = excluded.last_received_at

-- name: select_reject_bytes
-- A row costs something beside its payload.
select coalesce(sum(octet_length(payload) + 200), 0)::bigint from reject

-- name: select_reject_payload
select agent, path, form, payload, replayed_at, received_at from reject where id = %(id)s

-- name: update_reject_replayed
-- Its samples are in the table from now on, so its bytes go.
update reject
set replayed_at = %(replayed_at)s, replayed_by = %(principal)s, payload = ''
where id = %(id)s and replayed_at is null
