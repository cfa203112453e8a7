-- Alarm definitions with all their versions, the places where they stand, and what their evaluation remembers.

create table alarm_definition (
    id          uuid primary key,
    name        text not null,
    version     integer not null,
    is_enabled  boolean not null,
    kind        text not null,
    priority    text not null,
    alarm_class text not null,
    position    text not null,
    body        jsonb not null,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    updated_by  text not null,
    deleted_at  timestamptz
);
-- A deleted definition keeps its versions; its name is free again.
create unique index alarm_definition_name on alarm_definition (name) where deleted_at is null;
create index alarm_definition_by_name on alarm_definition (name collate "C");

create table alarm_definition_version (
    definition_id   uuid not null references alarm_definition (id),
    version         integer not null,
    change          text not null,
    body            jsonb not null,
    changed_at      timestamptz not null default now(),
    changed_by      text not null,
    primary key (definition_id, version)
);

-- A definition at one place, resolved. A place that is gone stays as removed, so that whoever remembers it learns of it
-- by the generation; a place that cannot be evaluated has no plan and says why.
create table alarm_instance (
    definition_id       uuid not null references alarm_definition (id),
    instance            text not null,
    definition_version  integer not null,
    series_id           integer,
    owner               text not null,
    agent               text,
    device              text,
    plan                jsonb,
    problem             text,
    generation          bigint not null,
    is_removed          boolean not null default false,
    primary key (definition_id, instance),
    constraint alarm_instance_owner_check check (owner in ('ingest', 'leader'))
);
create index alarm_instance_generation on alarm_instance (generation);
create index alarm_instance_series on alarm_instance (series_id);

-- What the engine remembers; written in the transaction of the samples that changed it.
create table alarm_state (
    definition_id   uuid not null,
    instance        text not null,
    state           jsonb not null,
    due_at          timestamptz,
    generation      bigint not null default 0,
    primary key (definition_id, instance)
) with (fillfactor = 70);
create index alarm_state_due_at on alarm_state (due_at) where due_at is not null;
create index alarm_state_generation on alarm_state (generation);

-- Grows with every change that the process which owns ingest has to take over before it evaluates anything.
create table alarm_generation (
    is_only     boolean primary key default true,
    value       bigint not null default 0,
    constraint alarm_generation_check check (is_only)
);
insert into alarm_generation default values;

-- How far the leader has evaluated what depends on the same devices.
create table alarm_cursor (
    devices         text primary key,
    evaluated_at    timestamptz not null
);

-- Samples that came after the leader may have passed their time.
create table alarm_late (
    id          bigint generated always as identity primary key,
    series_id   integer not null,
    from_at     timestamptz not null,
    to_at       timestamptz not null,
    is_backlog  boolean not null
);

insert into lease (name) values ('alarms');
