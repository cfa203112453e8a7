-- What people changed of stored samples, with the samples as they were before.
create table correction (
    id           bigint generated always as identity primary key,
    series_id    integer not null,
    from_at      timestamptz not null,
    to_at        timestamptz not null,
    value        double precision,
    text         text,
    status       integer not null,
    reason       text not null,
    principal    text not null,
    at           timestamptz not null,
    sample_count integer not null default 0
);
create index correction_series on correction (series_id, id);

create table corrected_sample (
    correction_id bigint not null references correction (id) on delete cascade,
    series_id     integer not null,
    status        integer not null,
    time          timestamptz not null,
    value         double precision,
    text          text,
    primary key (correction_id, time)
);
create index corrected_sample_series on corrected_sample (series_id, time);
