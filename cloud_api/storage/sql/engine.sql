-- What the database is, and day partitions where it has no chunks of its own.

-- name: select_version_text
select version()

-- name: select_has_timescale
select exists (select from pg_extension where extname = 'timescaledb')

-- name: select_timescale_offered
select exists (select from pg_available_extensions where name = 'timescaledb')

-- name: create_timescale_extension
create extension if not exists timescaledb

-- name: lock_migration
select pg_advisory_lock(%(lock)s)

-- name: unlock_migration
select pg_advisory_unlock(%(lock)s)

-- name: select_has_schema_version
select to_regclass('schema_version') is not null

-- name: select_schema_version
select max(version_num) from schema_version

-- name: select_durability
select current_setting('fsync') as fsync,
       current_setting('full_page_writes') as full_page_writes,
       current_setting('synchronous_commit') as synchronous_commit

-- name: set_session
select set_config('synchronous_commit', 'on', false),
       set_config('timezone', 'UTC', false),
       set_config('idle_in_transaction_session_timeout', %(idle_ms)s, false)

-- name: lock_partition
select pg_advisory_xact_lock(hashtextextended('millstream.partition', 0))

-- name: select_partition_exists
select to_regclass(%(name)s) is not null

-- name: create_partition
-- Apart from the parent first: CREATE … PARTITION OF would lock all of its parent.
create table {name} (like {parent} including defaults including constraints including indexes)

-- name: attach_partition
alter table {parent} attach partition {name} for values from ({lower}) to ({upper})
