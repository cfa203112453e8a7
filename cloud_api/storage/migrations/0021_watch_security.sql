-- Signs of an attack, one row for each until it is quiet again: who sees one writes here, one process makes alarms of them.
create table security_event (
    kind        text not null,
    subject     text not null,
    count       bigint not null,
    detail      text not null,
    seen_at     timestamptz not null,
    raised_at   timestamptz,
    primary key (kind, subject)
);
create table api_key_address (
    prefix      text not null,
    address     text not null,
    first_at    timestamptz not null default now(),
    seen_at     timestamptz not null default now(),
    primary key (prefix, address)
);

insert into lease (name) values ('guard');
