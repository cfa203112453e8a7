-- People: a password and a second factor beside the name and the role, sessions, failed log-ins.
alter table principal
    add column display_name text,
    add column password_hash text,
    add column password_changed_at timestamptz,
    add column is_password_one_time boolean not null default false,
    add column second_factor text,
    add column pending_second_factor text,
    add column second_factor_step bigint not null default 0,
    add column recovery_hashes bytea[] not null default '{}',
    add column last_login_at timestamptz;

alter table principal drop constraint principal_role_check;
alter table principal add constraint principal_role_check
    check (role in ('viewer', 'operator', 'maintenance', 'engineer', 'auditor', 'admin'));
alter table api_key drop constraint api_key_role_check;
alter table api_key add constraint api_key_role_check
    check (role in ('viewer', 'operator', 'maintenance', 'engineer', 'auditor', 'admin'));

create table login_session (
    id              bigint generated always as identity primary key,
    principal_id    bigint not null references principal (id),
    token_hash      bytea not null,
    address         text not null,
    client          text not null,
    created_at      timestamptz not null default now(),
    seen_at         timestamptz not null default now(),
    expires_at      timestamptz not null,
    constraint login_session_token_key unique (token_hash)
);
create index login_session_principal on login_session (principal_id);

-- A heading is a name, or a name with the address that it was tried from; names that nobody has are counted alike.
create table login_failure (
    heading         text primary key,
    failed_count    integer not null default 1,
    failed_at       timestamptz not null default now(),
    locked_until    timestamptz
);
