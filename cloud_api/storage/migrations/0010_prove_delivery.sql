-- Completeness: outages of the cloud's own parts, and marks that say which batch numbers belong to which time.
create table outage (
    id          bigint generated always as identity primary key,
    part        text not null,
    from_at     timestamptz not null,
    to_at       timestamptz,
    detail      text,
    constraint outage_part_check check (part in ('database', 'broker', 'cloud'))
);
create index outage_from_at on outage (from_at);
create unique index outage_lasting on outage (part) where to_at is null;

-- One row: when ingest was last seen at work by the database.
create table ingest_seen (
    is_only boolean primary key default true,
    seen_at timestamptz,
    constraint ingest_seen_one_row check (is_only)
);
insert into ingest_seen default values;

create table ledger_mark (
    agent   text not null,
    epoch   uuid not null,
    slot_at timestamptz not null,
    at      timestamptz not null,
    seq     bigint not null,
    primary key (agent, epoch, slot_at)
);
create index ledger_mark_at on ledger_mark (at);

create index gap_agent on gap (agent, to_at);
