-- Who did what: written, sealed along a chain, read, forwarded, and let go when it is old enough.

-- name: audit_columns
coalesce(a.number, 0) as number, a.at, a.principal as who, a.action, a.object as subject, a.detail::text as detail,
a.outcome, a.address, a.via, coalesce(a.hash, '') as hash

-- name: insert_audit
insert into audit (principal, action, object, detail, outcome, address, via)
values (%(principal)s, %(action)s, %(object)s, %(detail)s::json, %(outcome)s, %(address)s, %(via)s)

-- name: select_audit_page
-- Newest first, with what waits to be sealed.
select a.id, {columns}
from audit a
where a.id < %(before_id)s
  and (%(who)s::text is null or a.principal = %(who)s)
  and (%(action)s::text is null or starts_with(a.action, %(action)s))
  and (%(subject)s::text is null or a.object = %(subject)s)
  and (%(outcome)s::text is null or a.outcome = %(outcome)s)
  and (%(address)s::text is null or a.address = %(address)s)
  and (%(from_at)s::timestamptz is null or a.at >= %(from_at)s)
  and (%(to_at)s::timestamptz is null or a.at < %(to_at)s)
order by a.id desc
limit %(limit)s

-- name: lock_audit_head
select number, hash from audit_head for update

-- name: select_audit_head
select number, hash from audit_head

-- name: select_audit_unsealed
select a.id, {columns}
from audit a
where a.number is null
order by a.id
limit %(limit)s

-- name: update_audit_sealed
update audit a
set number = s.number, hash = s.hash
from unnest(%(ids)s::bigint[], %(numbers)s::bigint[], %(hashes)s::bytea[]) as s (id, number, hash)
where a.id = s.id

-- name: update_audit_head
update audit_head set number = %(number)s, hash = %(hash)s

-- name: select_audit_after
select {columns}
from audit a
where a.number > %(after)s
order by a.number
limit %(limit)s

-- name: select_audit_unsealed_count
select count(*), min(at) from audit where number is null

-- name: select_audit_start
select pruned_number, pruned_hash from audit_head

-- name: select_audit_is_pruned_by
-- Whether a row of the chain says that rows were let go up to here.
select exists (
    select from audit
    where number is not null and action = 'audit.prune'
      and detail ->> 'through' = %(through)s and detail ->> 'hash' = %(hash)s
)

-- name: select_audit_prunable
-- The last row before the first one that is young enough to be kept; sealed rows only, so that the chain goes on behind it.
select a.number, a.hash, a.at
from audit a, audit_head h
where a.number > h.pruned_number
  and a.number < coalesce(
      (select min(k.number) from audit k where k.number is not null and k.at >= now() - %(keep)s), h.number + 1
  )
order by a.number desc
limit 1

-- name: update_audit_pruned
update audit_head set pruned_number = %(number)s, pruned_hash = %(hash)s, pruned_at = %(at)s

-- name: delete_audit_pruned
delete from audit where number <= %(number)s

-- name: select_audit_forward
select number from audit_forward where target = %(target)s

-- name: upsert_audit_forward
insert into audit_forward (target, number, sent_at) values (%(target)s, %(number)s, now())
on conflict (target) do update set number = excluded.number, sent_at = excluded.sent_at, failure = null

-- name: upsert_audit_forward_failure
insert into audit_forward (target, failure) values (%(target)s, %(failure)s)
on conflict (target) do update set failure = excluded.failure
