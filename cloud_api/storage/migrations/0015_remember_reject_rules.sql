-- Mappings of rejects that are remembered.
create table reject_rule (
    id          bigint generated always as identity primary key,
    agent       text not null,
    path        text not null,
    reason      text not null,
    mapping     jsonb not null,
    applied     bigint not null default 0,
    created_by  text not null,
    created_at  timestamptz not null default now(),
    constraint reject_rule_key unique (agent, path, reason)
);
create index reject_open on reject (agent, path, reason) where replayed_at is null;
