-- One row a transaction that wrote, changed or deleted samples above the watermark: the name under which a process
-- holds them, or their series. The roller deletes what has long been rolled.
create table rollup_write (
    id         bigint generated always as identity primary key,
    from_at    timestamptz not null,
    to_at      timestamptz not null,
    handed     uuid,
    series_ids int4multirange,
    constraint rollup_write_one check (num_nonnulls(handed, series_ids) = 1)
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
