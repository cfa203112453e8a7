-- What people have chosen for themselves in the console: language, filters, saved views.
create table person_view (
    principal_id    bigint not null references principal (id) on delete cascade,
    name            text not null,
    content         jsonb not null,
    changed_at      timestamptz not null default now(),
    primary key (principal_id, name)
);
