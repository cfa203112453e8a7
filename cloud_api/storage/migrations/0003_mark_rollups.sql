insert into lease (name) values ('rollups');

-- One row: how far rollups have got, and what retention has dropped. `closed_until` is raised first: from then on ingest
-- marks what is older. When no transaction is left that knew it otherwise, `marked_until` follows with the marks.
create table rollup_progress (
    is_only             boolean primary key default true,
    closed_until        timestamptz,
    marked_until        timestamptz,
    raw_kept_from       timestamptz not null default '-infinity',
    rollup_1m_kept_from timestamptz not null default '-infinity',
    rollup_15m_kept_from timestamptz not null default '-infinity',
    constraint rollup_progress_one_row check (is_only)
);
insert into rollup_progress default values;

-- What has to be rolled, for the first time or again. Ingest only appends; the roller deletes before it reads raw.
create table rollup_dirty (
    id          bigint generated always as identity primary key,
    resolution  text not null,
    bin_at      timestamptz not null,
    bin_minutes integer not null,
    from_at     timestamptz not null,
    to_at       timestamptz not null,
    series_ids  int4multirange not null,
    is_first    boolean not null default false,
    is_open     boolean not null default false,
    marked_at   timestamptz not null default now(),
    due_at      timestamptz not null default now(),
    constraint rollup_dirty_resolution_check check (resolution in ('1m', '15m'))
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);
create index rollup_dirty_bin on rollup_dirty (bin_at, bin_minutes, resolution);
