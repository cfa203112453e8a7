-- When parts of the cloud did not work.

-- name: update_ingest_seen
-- The instant before this one; null the first time.
update ingest_seen
set seen_at = greatest(%(now)s, old.seen_at)
from (select seen_at from ingest_seen for update) old
returning old.seen_at

-- name: insert_outage
insert into outage (part, from_at, to_at, detail)
values (%(part)s, %(from_at)s, %(to_at)s, %(detail)s)
on conflict (part) where to_at is null do nothing

-- name: update_outage_over
update outage set to_at = greatest(%(now)s, from_at) where part = %(part)s and to_at is null
