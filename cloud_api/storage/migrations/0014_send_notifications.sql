create table notification_channel (
    id          uuid primary key default gen_random_uuid(),
    name        text not null,
    version     bigint not null default 1,
    kind        text not null,
    language    text not null,
    state       text not null,
    settings    jsonb not null,
    secrets     jsonb not null,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    updated_by  text not null,
    constraint notification_channel_name_key unique (name),
    constraint notification_channel_kind_check check (kind in ('email', 'webhook', 'service')),
    constraint notification_channel_state_check check (state in ('enabled', 'disabled'))
);

create table notification_route (
    id          uuid primary key default gen_random_uuid(),
    name        text not null,
    version     bigint not null default 1,
    place       integer not null,
    state       text not null,
    body        jsonb not null,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    updated_by  text not null,
    constraint notification_route_name_key unique (name),
    constraint notification_route_state_check check (state in ('enabled', 'disabled'))
);

-- What a route owes people about one alarm: it waits for its message, then for the next step, until it is closed.
create table notification_item (
    id              bigint generated always as identity primary key,
    route_id        uuid not null references notification_route (id) on delete cascade,
    alarm_id        uuid not null,
    number          bigint not null,
    event           text not null,
    group_key       text not null,
    since_at        timestamptz not null,
    due_at          timestamptz,
    step            integer not null default 0,
    repeat_count    integer not null default 0,
    alarm_count     integer not null default 1,
    told_at         timestamptz,
    closed_at       timestamptz,
    closed_because  text,
    snapshot        jsonb not null,
    constraint notification_item_row_key unique (route_id, number)
) with (fillfactor = 70);
create index notification_item_due on notification_item (due_at) where closed_at is null and due_at is not null;
create index notification_item_alarm on notification_item (alarm_id, id);
create index notification_item_group on notification_item (route_id, group_key, since_at);

create table notification_group (
    route_id        uuid not null references notification_route (id) on delete cascade,
    group_key       text not null,
    last_sent_at    timestamptz,
    flood_since     timestamptz,
    primary key (route_id, group_key)
);

-- Outbox and delivery journal in one: a message to one channel. Its id goes with it, also when it has to be sent again.
create table notification (
    id              uuid primary key,
    number          bigint generated always as identity,
    kind            text not null,
    route_id        uuid,
    route_name      text,
    channel_id      uuid,
    channel_name    text not null,
    group_key       text,
    step            integer,
    alarm_ids       uuid[] not null default '{}',
    content         jsonb not null,
    state           text not null default 'waiting',
    due_at          timestamptz not null,
    attempts        integer not null default 0,
    max_attempts    integer not null,
    claimed_by      text,
    claimed_until   timestamptz,
    may_be_copied   boolean not null default false,
    last_attempt_at timestamptz,
    last_error      text,
    created_at      timestamptz not null default now(),
    sent_at         timestamptz,
    link_until_at   timestamptz,
    link_used_at    timestamptz,
    link_used_by    text,
    constraint notification_number_key unique (number),
    constraint notification_state_check check (state in ('waiting', 'sending', 'sent', 'dead', 'cancelled'))
) with (fillfactor = 70);
create index notification_due on notification (due_at) where state = 'waiting';
create index notification_sending on notification (claimed_until) where state = 'sending';
create index notification_by_state on notification (state, number);
create index notification_by_alarm on notification using gin (alarm_ids);

-- Up to where the journal has been read, and the key of the links that messages carry.
create table notification_cursor (
    is_only     boolean primary key default true,
    number      bigint not null default 0,
    link_key    bytea not null default decode(
        replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'),
    constraint notification_cursor_check check (is_only)
);
insert into notification_cursor default values;

insert into lease (name) values ('notify');
