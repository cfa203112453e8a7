-- What the database is, and day partitions where it has no chunks of its own.

-- name: select_version_text
select version()

-- name: select_has_timescale
select exists (select from pg_extension where extname = 'timescaledb')

-- name: select_timescale_offered
select exists (select from pg_available_extensions where name = 'timescaledb')

-- name: create_timescale_extension
create extension if not exists timescaledb

-- name: select_batches_offered
-- TimescaleDB 2.26 and later; before, a batch never held more than 1,000 rows.
select exists (
    select from pg_settings where name = 'timescaledb.compression_batch_size_limit' and max_val::integer >= 4000
)

-- name: set_batches
-- Of the role that owns the policies, whose background jobs compress with it. A name cannot be a parameter here.
do $$
begin
    execute format(
        'alter role current_user in database %I set timescaledb.compression_batch_size_limit = 4000',
        current_database()
    );
end
$$

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
