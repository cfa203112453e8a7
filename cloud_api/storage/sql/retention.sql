-- What is kept no longer, and how the disk fills.

-- name: hold_drops
-- Chunks are dropped by a job of the database, which holds the same from the moment when it has read the edges.
select pg_advisory_xact_lock(7260202, 17)

-- name: move_kept_back
-- A longer retention: back to where raw samples are still there, and past it where no row was rolled that samples which
-- come now, alone, could take the place of.
update rollup_progress
set raw_kept_from = least(raw_kept_from, greatest(%(raw_at)s, raw_floor)),
    raw_drop_until = least(raw_drop_until, greatest(%(raw_at)s, raw_floor)),
    rollup_1m_kept_from = least(rollup_1m_kept_from, greatest(%(rollup_1m_at)s, rollup_1m_floor)),
    rollup_15m_kept_from = least(rollup_15m_kept_from, %(rollup_15m_at)s)
from (
    select
        case when exists (select from rollup_1m where bucket >= %(raw_at)s and bucket < raw_drop_until)
            or exists (select from rollup_15m where bucket >= %(raw_at)s and bucket < raw_drop_until)
        then raw_drop_until else '-infinity' end as raw_floor,
        case when exists (select from rollup_15m where bucket >= %(rollup_1m_at)s and bucket < rollup_1m_kept_from)
        then rollup_1m_kept_from else '-infinity' end as rollup_1m_floor
    from rollup_progress
    where raw_kept_from > %(raw_at)s or rollup_1m_kept_from > %(rollup_1m_at)s
        or rollup_15m_kept_from > %(rollup_15m_at)s
) floors

-- name: update_kept_from
-- A shorter retention.
update rollup_progress
set raw_kept_from = greatest(raw_kept_from, %(raw_at)s),
    rollup_1m_kept_from = greatest(rollup_1m_kept_from, %(rollup_1m_at)s),
    rollup_15m_kept_from = greatest(rollup_15m_kept_from, %(rollup_15m_at)s)

-- name: update_raw_drop_until
-- Raw samples may go when nothing before the edge waits to be rolled.
update rollup_progress
set raw_drop_until = raw_kept_from
where marked_until >= raw_kept_from
  and not exists (select from rollup_dirty where from_at < rollup_progress.raw_kept_from)
returning (extract(epoch from raw_drop_until) * 1000000)::bigint

-- name: select_kept_edges
select (extract(epoch from nullif(raw_drop_until, '-infinity')) * 1000000)::bigint,
       (extract(epoch from nullif(rollup_1m_kept_from, '-infinity')) * 1000000)::bigint,
       (extract(epoch from nullif(rollup_15m_kept_from, '-infinity')) * 1000000)::bigint
from rollup_progress

-- name: select_partitions
select c.relname, i.inhdetachpending
from pg_inherits i
join pg_class c on c.oid = i.inhrelid
where i.inhparent = to_regclass(%(name)s)
order by c.relname

-- name: detach_partition
-- Readers and writers go on meanwhile; it waits for those that may still look into the partition.
alter table {parent} detach partition {name} concurrently

-- name: finish_detaching
alter table {parent} detach partition {name} finalize

-- name: drop_partition
drop table if exists {name}

-- name: select_detached
-- Left by a process that died between detaching and dropping.
select relname
from pg_class
where relkind = 'r' and not relispartition
  and relnamespace = (select relnamespace from pg_class where oid = to_regclass(%(name)s))
  and relname ~ ('^' || %(name)s || '_[0-9]{8}$')

-- name: delete_old_revisions
delete from {revision} where bucket < (select {kept} from rollup_progress)

-- name: select_database_bytes
select pg_database_size(current_database())

-- name: select_data_directory
-- Null where the database is on another machine, or this user may not know; the path is looked at, never shown.
select case when inet_server_addr() is null or host(inet_server_addr()) in ('127.0.0.1', '::1') then (
    select setting from pg_settings where name = 'data_directory'
) end

-- name: insert_disk_usage
insert into disk_usage (at, database_bytes, free_bytes, days_to_full)
values (%(at)s, %(database_bytes)s, %(free_bytes)s, %(days_to_full)s)
on conflict (at) do nothing

-- name: delete_old_disk_usage
delete from disk_usage where at < %(before_at)s

-- name: select_disk_usage
select at, database_bytes, free_bytes, days_to_full from disk_usage where at >= %(from_at)s order by at

-- name: select_disk_forecast
select at, database_bytes, free_bytes, days_to_full from disk_usage order by at desc limit 1
