-- What people write about a stretch of a series or of an asset; it moves along, and is seen by who sees that.
create table note (
    id          bigint generated always as identity primary key,
    series_id   integer references series (id) on delete cascade,
    asset_id    bigint references asset (id) on delete cascade,
    from_at     timestamptz not null,
    to_at       timestamptz not null,
    text        text not null,
    who         text not null,
    created_at  timestamptz not null default now(),
    check (num_nonnulls(series_id, asset_id) = 1),
    check (from_at <= to_at)
);
create index note_series on note (series_id);
create index note_asset on note (asset_id);
alter table note enable row level security;
create policy note_reach on note using (
    exists (select from series s where s.id = note.series_id) or exists (select from asset a where a.id = note.asset_id)
);
do $$
begin
    if exists (select from pg_roles where rolname = 'millstream_reach') then
        grant select, insert, delete on note to millstream_reach;
    end if;
end
$$;
