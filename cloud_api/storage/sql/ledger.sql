-- The ledger: one row an epoch; adding a range is idempotent and merges itself.

-- name: select_ledger
select l.agent, l.epoch, l.stored::text, l.rejected::text, l.lost::text, l.recent
from unnest(%(agents)s::text[], %(epochs)s::uuid[]) as wanted (agent, epoch)
join ledger l on l.agent = wanted.agent and l.epoch = wanted.epoch

-- name: upsert_ledger
-- What arrives after it was declared lost is not lost any more.
insert into ledger as l (agent, epoch, stored, rejected, lost, recent)
select new.agent, new.epoch, new.stored::int8multirange, new.rejected::int8multirange,
       new.lost::int8multirange - new.stored::int8multirange - new.rejected::int8multirange, new.recent
from unnest(
    %(agents)s::text[], %(epochs)s::uuid[], %(stored)s::text[], %(rejected)s::text[], %(lost)s::text[], %(recent)s::bytea[]
) as new (agent, epoch, stored, rejected, lost, recent)
on conflict (agent, epoch) do update
set stored = l.stored + excluded.stored,
    rejected = l.rejected + excluded.rejected,
    lost = l.lost + excluded.lost - l.stored - l.rejected - excluded.stored - excluded.rejected,
    recent = substring(l.recent || excluded.recent from greatest(length(l.recent || excluded.recent) - %(keep)s + 1, 1)),
    updated_at = now()

-- name: insert_ledger_marks
-- Numbers go up as batches are made, so this one was made before now, and whatever is made from now on has a higher one.
insert into ledger_mark (agent, epoch, slot_at, at, seq)
select l.agent, l.epoch, date_bin('15 minutes', now(), 'epoch'::timestamptz), now(),
       upper(l.stored + l.rejected + l.lost) - 1
from unnest(%(agents)s::text[], %(epochs)s::uuid[]) as marked (agent, epoch)
join ledger l on l.agent = marked.agent and l.epoch = marked.epoch
where not isempty(l.stored + l.rejected + l.lost)
on conflict (agent, epoch, slot_at) do nothing

-- name: delete_ledger_marks_old
delete from ledger_mark where at < now() - interval '2 years'

-- name: select_newest_epochs
-- One epoch an agent, the one that was written last, for agents seen lately.
select distinct on (agent) agent, epoch, stored::text, rejected::text, lost::text, recent
from ledger
where updated_at > now() - %(age)s::interval
order by agent, updated_at desc

-- name: insert_gaps
insert into gap (agent, device, paths, from_at, to_at, reason, epoch, batches, digest)
values (%(agent)s, %(device)s, %(paths)s, %(from_at)s, %(to_at)s, %(reason)s, %(epoch)s, %(batches)s::int8range, %(digest)s)
on conflict (agent, digest) do nothing

-- name: upsert_agent_until
insert into agent_until as u (agent, device, until_at)
select new.agent, new.device, new.until_at
from unnest(%(agents)s::text[], %(devices)s::text[], %(untils)s::timestamptz[]) as new (agent, device, until_at)
order by new.agent, new.device
on conflict (agent, device) do update
set until_at = excluded.until_at
where excluded.until_at > u.until_at

-- name: select_lease_held
-- Stops a takeover until this transaction ends, and fails when there was one.
select series_generation from lease where name = %(name)s and owner = %(owner)s and token = %(token)s for key share

-- name: acquire_lease
update lease
set owner = %(owner)s, token = token + 1, expires_at = clock_timestamp() + %(ttl)s::interval
where name = %(name)s
  and (owner is null or owner = %(owner)s or expires_at < clock_timestamp() or owner = any(%(dead)s::text[]))
returning token

-- name: renew_lease
update lease
set expires_at = clock_timestamp() + %(ttl)s::interval
where name = %(name)s and owner = %(owner)s and token = %(token)s
returning token

-- name: release_lease
update lease
set owner = null, expires_at = '-infinity'
where name = %(name)s and owner = %(owner)s and token = %(token)s

-- name: select_lease_owner
select owner from lease where name = %(name)s

-- name: lock_lease
-- Stronger than the readers' lock: waits until no ingest transaction is under way.
select series_generation from lease where name = %(name)s for update

-- name: select_series_generation
select series_generation from lease where name = %(name)s
