-- Shares: what another company may read of this plant, by a key or a link of its own. A transaction that serves one takes
-- the role millstream_share, whose search path is the schema `shared`: views in which nothing is but what the share named in
-- millstream.share holds, under the names that its owner chose. The role has no right to any table.
alter table principal drop constraint principal_role_check;
alter table principal add constraint principal_role_check
    check (role in ('viewer', 'operator', 'maintenance', 'engineer', 'auditor', 'steward', 'admin'));
alter table api_key drop constraint api_key_role_check;
alter table api_key add constraint api_key_role_check
    check (role in ('viewer', 'operator', 'maintenance', 'engineer', 'auditor', 'steward', 'admin'));

create table share (
    id              bigint generated always as identity primary key,
    name            text not null,
    state           text not null default 'active',
    version         integer not null default 1,
    terms           jsonb not null,
    from_at         timestamptz,
    to_at           timestamptz,
    rolling_s       bigint,
    expires_at      timestamptz not null,
    rows_per_day    bigint,
    rows_total      bigint,
    spent_rows      bigint not null default 0,
    spent_day       date not null default current_date,
    spent_day_rows  bigint not null default 0,
    created_at      timestamptz not null default now(),
    created_by      text not null,
    changed_at      timestamptz not null default now(),
    changed_by      text not null,
    constraint share_state_check check (state in ('active', 'paused', 'revoked')),
    constraint share_window_check check (from_at is not null or rolling_s is not null)
);
create table share_version (
    share_id    bigint not null references share (id),
    version     integer not null,
    name        text not null,
    state       text not null,
    terms       jsonb not null,
    changed_at  timestamptz not null default now(),
    changed_by  text not null,
    primary key (share_id, version)
);
-- What was there when the owner looked: what comes later is not shared before he looks again.
create table share_asset (
    share_id    bigint not null references share (id),
    path        text not null,
    alias       text not null,
    primary key (share_id, path),
    constraint share_asset_alias_key unique (share_id, alias)
);
create table share_series (
    share_id    bigint not null references share (id),
    series_id   integer not null,
    alias       text not null,
    asset_path  text not null,
    tag         integer not null,
    primary key (share_id, series_id),
    constraint share_series_alias_key unique (share_id, alias)
);
create table share_key (
    id              bigint generated always as identity primary key,
    share_id        bigint not null references share (id),
    name            text not null,
    kind            text not null,
    prefix          text not null,
    hash            bytea not null,
    created_at      timestamptz not null default now(),
    created_by      text not null,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    last_used_at    timestamptz,
    constraint share_key_prefix_key unique (prefix),
    constraint share_key_kind_check check (kind in ('key', 'link'))
);
create index share_key_share on share_key (share_id);
create table share_read (
    id          bigint generated always as identity primary key,
    share_id    bigint not null references share (id),
    key_id      bigint not null references share_key (id),
    version     integer not null,
    at          timestamptz not null default now(),
    ended_at    timestamptz,
    address     text not null,
    client      text not null,
    what        text not null,
    question    jsonb not null,
    row_count   bigint not null default 0,
    outcome     text not null default 'running'
);
create index share_read_share on share_read (share_id, id);

create schema shared;
create view shared.this_share with (security_barrier) as
    select id,
           greatest(coalesce(from_at, '-infinity'), coalesce(now() - rolling_s * interval '1 second', '-infinity')) as from_at,
           least(coalesce(to_at, 'infinity'), now()) as to_at,
           array(select jsonb_array_elements_text(terms -> 'alarms' -> 'priorities')) as priorities
    from share
    where id = nullif(current_setting('millstream.share', true), '')::bigint and state = 'active' and expires_at > now();
create view shared.series with (security_barrier) as
    select s.id, x.alias as path, s.kind, s.unit, null::text as description,
           null::double precision as low, null::double precision as high, null::text as device, null::text as asset,
           ''::text as source_agent, x.alias as source_path, null::double precision as scan_period_s, s.created_at,
           s.retired_at, s.stepped, s.treat_uncertain_as_bad, s.percent_data_good, s.percent_data_bad,
           s.sloped_extrapolation, s.counter_rollover
    from share_series x
    join series s on s.id = x.series_id
    where x.share_id = (select id from shared.this_share);
-- One day before the window as well: what holds when it begins was measured before.
create view shared.sample with (security_barrier) as
    select series_id, time, value, text, status
    from sample
    where series_id = any(array(select id from shared.series))
      and time >= (select from_at - interval '1 day' from shared.this_share)
      and time < (select to_at from shared.this_share);
create view shared.rollup_1m with (security_barrier) as
    select *
    from rollup_1m
    where series_id = any(array(select id from shared.series))
      and bucket >= (select from_at - interval '1 day' from shared.this_share)
      and bucket < (select to_at from shared.this_share);
create view shared.rollup_15m with (security_barrier) as
    select *
    from rollup_15m
    where series_id = any(array(select id from shared.series))
      and bucket >= (select from_at - interval '1 day' from shared.this_share)
      and bucket < (select to_at from shared.this_share);
create view shared.rollup_progress with (security_barrier) as
    select closed_until, marked_until, raw_kept_from, rollup_1m_kept_from, rollup_15m_kept_from
    from rollup_progress
    where exists (select from shared.this_share);
create view shared.rollup_dirty with (security_barrier) as
    select id, resolution, from_at, to_at, series_ids, is_open
    from rollup_dirty
    where exists (select from shared.this_share);
create view shared.alarm_raise with (security_barrier) as
    select a.alias, j.at, j.priority
    from share_asset a
    join alarm_journal j on j.path = a.path or starts_with(j.path, a.path || '/')
    where a.share_id = (select id from shared.this_share)
      and j.event = 'raise' and j.number is not null
      and j.priority = any(array(select unnest(priorities) from shared.this_share))
      and j.at >= (select from_at from shared.this_share) and j.at < (select to_at from shared.this_share);
create view shared.asset_alias with (security_barrier) as
    select alias from share_asset where share_id = (select id from shared.this_share);

-- A database user who may not make roles leaves this to an administrator; until then shares are refused.
do $$
begin
    if not exists (select from pg_roles where rolname = 'millstream_share') then
        begin
            create role millstream_share nologin;
        exception
            when duplicate_object or unique_violation then null;
            when insufficient_privilege then
                raise warning 'no role millstream_share: nothing can be shared with other companies';
                return;
        end;
    end if;
    if not pg_has_role(current_user, 'millstream_share', 'member') then
        grant millstream_share to current_user;
    end if;
    grant usage on schema shared to millstream_share;
    grant select on all tables in schema shared to millstream_share;
end
$$;
