-- What operators see of alarms: their memories, the journal of all that happened to them, maintenance.

-- One row for each place that a definition watches. `state` is derived from the memories, by one function in the code.
create table alarm (
    id                      uuid primary key default gen_random_uuid(),
    definition_id           uuid not null,
    definition_version      integer not null,
    instance                text not null,
    series_id               integer,
    version                 bigint not null default 0,
    name                    text,
    condition               text not null default 'limit',
    alarm_class             text,
    position                text,
    is_latching             boolean not null default false,
    is_auto_acknowledged    boolean not null default false,
    max_shelved_s           integer not null default 28800,
    is_active               boolean not null default false,
    is_acknowledged         boolean not null default true,
    is_latched              boolean not null default false,
    shelving                text not null default 'unshelved',
    suppressed_by           text,
    maintenance_id          uuid,
    is_out_of_service       boolean not null default false,
    state                   text not null default 'normal',
    priority                text not null,
    priority_rank           smallint not null generated always as (
        case priority when 'critical' then 0 when 'high' then 1 when 'medium' then 2 else 3 end) stored,
    level                   text,
    value                   double precision,
    status                  integer not null default 0,
    limit_value             double precision,
    message_en              text not null default '',
    message_zh              text not null default '',
    note                    text,
    raised_at               timestamptz,
    cleared_at              timestamptz,
    annunciated_at          timestamptz not null default now(),
    raise_count             bigint not null default 0,
    acknowledged_at         timestamptz,
    acknowledged_by         text,
    shelved_at              timestamptz,
    shelved_until           timestamptz,
    shelved_by              text,
    shelved_reason          text,
    suppressed_at           timestamptz,
    out_of_service_at       timestamptz,
    out_of_service_by       text,
    out_of_service_reason   text,
    order_number            text,
    assignee                text,
    comment                 text,
    retired_at              timestamptz,
    created_at              timestamptz not null default now(),
    changed_at              timestamptz not null default now(),
    constraint alarm_place_key unique (definition_id, instance),
    constraint alarm_priority_check check (priority in ('critical', 'high', 'medium', 'low')),
    constraint alarm_shelving_check check (shelving in ('unshelved', 'timed_shelved', 'one_shot_shelved'))
) with (fillfactor = 70);
-- The operator's list: everything but normal, in the three orders that it can be asked in.
create index alarm_by_priority on alarm (priority_rank, annunciated_at desc, id) where state <> 'normal';
create index alarm_by_time on alarm (annunciated_at desc, id) where state <> 'normal';
create index alarm_by_path on alarm (instance collate "C", id);
create index alarm_shelved_until on alarm (shelved_until) where shelved_until is not null;
create index alarm_in_maintenance on alarm (maintenance_id) where maintenance_id is not null;

-- Append-only. The sealer alone may set number and hash, once; `number` has no holes and is the order in which rows were seen
-- to be committed. `id` is only the order in which they were written.
create table alarm_journal (
    id                  bigint generated always as identity primary key,
    number              bigint,
    alarm_id            uuid not null,
    alarm_version       bigint not null,
    definition_id       uuid not null,
    definition_version  integer not null,
    path                text not null,
    name                text,
    condition           text not null,
    alarm_class         text,
    position            text,
    event               text not null,
    at                  timestamptz not null,
    recorded_at         timestamptz not null,
    who                 text not null,
    from_state          text not null,
    to_state            text not null,
    priority            text not null,
    level               text,
    value               double precision,
    status              integer not null,
    limit_value         double precision,
    message_en          text not null,
    message_zh          text not null,
    comment             text,
    note                text,
    order_number        text,
    until_at            timestamptz,
    assignee            text,
    is_late             boolean not null,
    hash                bytea,
    constraint alarm_journal_seal_check check ((number is null) = (hash is null))
);
create unique index alarm_journal_number on alarm_journal (number);
create index alarm_journal_unsealed on alarm_journal (id) where number is null;
create index alarm_journal_by_alarm on alarm_journal (alarm_id, number);
create index alarm_journal_by_time on alarm_journal (at);
create index alarm_journal_by_path on alarm_journal (path collate "C", number);

-- The end of the chain, kept apart from it: rows that were cut off its end are missed.
create table alarm_journal_head (
    is_only     boolean primary key default true,
    number      bigint not null default 0,
    hash        bytea not null default '',
    constraint alarm_journal_head_check check (is_only)
);
insert into alarm_journal_head default values;

create function refuse_journal_change() returns trigger language plpgsql as $body$
declare
    unsealed alarm_journal;
begin
    if tg_op = 'UPDATE' then
        unsealed := new;
        unsealed.number := null;
        unsealed.hash := null;
        if old.number is null and new.number is not null and unsealed is not distinct from old then
            return new;
        end if;
    end if;
    raise exception 'alarm_journal is append-only' using errcode = 'insufficient_privilege';
end
$body$;
create trigger alarm_journal_append_only before update or delete on alarm_journal
    for each row execute function refuse_journal_change();
create trigger alarm_journal_keep before truncate on alarm_journal
    for each statement execute function refuse_journal_change();

-- A stretch of time in which somebody works at a device, an asset or some series: exactly one of the three.
create table maintenance (
    id          uuid primary key default gen_random_uuid(),
    version     bigint not null default 1,
    agent       text,
    device      text,
    asset       text,
    path        text,
    pattern     text,
    from_at     timestamptz not null,
    until_at    timestamptz not null,
    reason      text not null,
    who         text not null,
    created_at  timestamptz not null default now(),
    ended_at    timestamptz,
    ended_by    text,
    constraint maintenance_target_check check (num_nonnulls(device, asset, path) = 1),
    constraint maintenance_time_check check (until_at > from_at)
);
create index maintenance_until_at on maintenance (until_at);

insert into lease (name) values ('alarm_journal');
