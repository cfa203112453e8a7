-- Values that people enter: the series made for it with what they may hold, and every entry with who and why.
create table entry_series (
    series_id   integer primary key references series (id) on delete cascade,
    choices     jsonb,
    made_by     text not null
);
-- `value` is JSON, as it was entered. Of one instant of a series one entry stands; those that it replaced stay.
create table series_entry (
    id          bigint generated always as identity primary key,
    series_id   integer not null references entry_series (series_id) on delete cascade,
    time        timestamptz not null,
    value       text not null,
    comment     text not null,
    who         text not null,
    entered_at  timestamptz not null,
    caller      text not null,
    key         text,
    fingerprint bytea,
    replaced_at timestamptz,
    replaced_by text
);
create unique index series_entry_time on series_entry (series_id, time) where replaced_at is null;
create index series_entry_all on series_entry (series_id, time, id);
create unique index series_entry_key on series_entry (caller, key) where key is not null;
alter table entry_series enable row level security;
create policy entry_series_reach on entry_series using (
    exists (select from series s where s.id = entry_series.series_id)
);
alter table series_entry enable row level security;
create policy series_entry_reach on series_entry using (
    exists (select from series s where s.id = series_entry.series_id)
);
do $$
begin
    if exists (select from pg_roles where rolname = 'millstream_reach') then
        grant select, update on entry_series to millstream_reach;
        grant select on series_entry to millstream_reach;
    end if;
end
$$;
