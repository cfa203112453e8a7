-- Log-in by an identity provider: whose subject is which user, which attempts were answered, and what ends a session there.
create table login_identity (
    issuer          text not null,
    subject         text not null,
    principal_id    bigint not null references principal (id),
    created_at      timestamptz not null default now(),
    primary key (issuer, subject),
    constraint login_identity_principal_key unique (principal_id)
);

-- Each attempt is answered once, whatever the provider makes of its code.
create table login_answered (
    state_hash      bytea primary key,
    answered_at     timestamptz not null default now()
);

create table identity_session (
    session_id          bigint primary key references login_session (id) on delete cascade,
    issuer              text not null,
    subject             text not null,
    provider_session    text,
    id_token            text not null
);
create index identity_session_subject on identity_session (issuer, subject);
