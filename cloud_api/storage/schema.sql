-- The whole schema as it is now; a test compares it with the chain of migrations, on both engines.
-- One dialect, two engines: `sample` becomes a hypertable where TimescaleDB is, else it is partitioned by day
-- (partitions are made on demand). Instants are timestamptz; StatusCodes are stored as signed int4.

create table series (
    id              integer generated always as identity primary key,
    source_agent    text not null,
    source_path     text not null,
    path            text not null,
    kind            text not null default 'none',
    unit            text,
    description     text,
    low             double precision,
    high            double precision,
    device          text,
    point           text,
    scan_period_s   double precision,
    deadband        text,
    max_silence_s   double precision,
    created_at      timestamptz not null default now(),
    retired_at      timestamptz,
    -- The asset that it hangs below: its path without the last level.
    asset           text generated always as (nullif(regexp_replace(path, '/?[^/]*$', ''), '')) stored,

    -- How the series is aggregated where a request says nothing; null is the default of Part 13.
    stepped         boolean,
    treat_uncertain_as_bad boolean,
    percent_data_good smallint,
    percent_data_bad smallint,
    sloped_extrapolation boolean,
    counter_rollover double precision,
    -- Null: measured. Else how its samples come from those of others.
    calculation     text,
    constraint series_calculation_check check (calculation in ('on_the_fly', 'materialised')),
    constraint series_source_key unique (source_agent, source_path),
    constraint series_path_key unique (path)
);
-- Globs and pages read paths in byte order, whatever the database's own collation is.
create index series_path_bytes on series (path collate "C");
create index series_asset on series (asset collate "C");

do $$
declare
    has_timescale boolean := exists (select from pg_extension where extname = 'timescaledb');
begin
    -- Column order keeps a numeric row at 24 bytes of data: 4 + 4 + 8 + 8.
    execute $table$
        create table sample (
            series_id   integer not null,
            status      integer not null,
            time        timestamptz not null,
            value       double precision,
            text        text,
            constraint sample_pkey primary key (series_id, time)
        )
    $table$ || case when has_timescale then '' else ' partition by range (time)' end;
    if has_timescale then
        perform create_hypertable('sample', 'time', chunk_time_interval => interval '1 day', create_default_indexes => false);
        execute $settings$
            alter table sample set (
                timescaledb.compress,
                timescaledb.compress_segmentby = 'series_id',
                timescaledb.compress_orderby = 'time desc'
            )
        $settings$;
        perform add_compression_policy('sample', compress_after => interval '7 days');
    end if;
end
$$;

create table latest (
    series_id   integer primary key,
    status      integer not null,
    time        timestamptz not null,
    arrived_at  timestamptz not null,
    value       double precision,
    text        text
) with (fillfactor = 50);

create table ledger (
    agent       text not null,
    epoch       uuid not null,
    stored      int8multirange not null default '{}',
    rejected    int8multirange not null default '{}',
    lost        int8multirange not null default '{}',
    recent      bytea not null default '',
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    primary key (agent, epoch)
) with (fillfactor = 50);

create table gap (
    id          bigint generated always as identity primary key,
    agent       text not null,
    device      text,
    paths       text[],
    from_at     timestamptz not null,
    to_at       timestamptz not null,
    reason      text not null,
    epoch       uuid,
    batches     int8range,
    digest      bytea not null,
    recorded_at timestamptz not null default now(),
    constraint gap_digest_key unique (agent, digest)
);
create index gap_from_at on gap (from_at);

create table reject (
    id              bigint generated always as identity primary key,
    received_at     timestamptz not null,
    topic           text,
    agent           text,
    epoch           uuid,
    seq             bigint,
    path            text,
    reason          text not null,
    detail          text,
    form            text not null,
    sample_count    integer not null default 0,
    first_at        timestamptz,
    last_at         timestamptz,
    occurrences     integer not null default 1,
    last_received_at timestamptz not null,
    digest          bytea not null,
    payload_bytes   integer not null,
    payload         bytea not null,
    replayed_at     timestamptz,
    replayed_by     text,
    constraint reject_digest_key unique (digest),
    constraint reject_form_check check (form in ('payload', 'samples'))
);
create index reject_agent on reject (agent, id);

create table tag_dictionary (
    agent       text not null,
    hash        bytea not null,
    tags        text[] not null,
    created_at  timestamptz not null default now(),
    primary key (agent, hash)
);

create table agent (
    id              text primary key,
    state           text not null default 'unknown',
    boot_id         text,
    version         text,
    boot_at         timestamptz,
    config_revision text,
    first_seen_at   timestamptz not null default now(),
    last_seen_at    timestamptz,
    state_at        timestamptz,
    health          jsonb,
    health_at       timestamptz,
    replaced_by     text,
    config          jsonb
);

create table agent_until (
    agent       text not null,
    device      text not null,
    until_at    timestamptz not null,
    primary key (agent, device)
) with (fillfactor = 50);

-- The token is in a unique key, so taking a lease over waits for transactions that hold the row FOR KEY SHARE,
-- while its owner's renewals, which leave the token alone, do not.
create table lease (
    name                text primary key,
    owner               text,
    token               bigint not null default 0,
    expires_at          timestamptz not null default '-infinity',
    series_generation   bigint not null default 0,
    constraint lease_token_key unique (name, token)
);
insert into lease (name) values ('ingest');

create table principal (
    id          bigint generated always as identity primary key,
    name        text not null,
    role        text not null,
    created_at  timestamptz not null default now(),
    disabled_at timestamptz,
    display_name            text,
    password_hash           text,
    password_changed_at     timestamptz,
    is_password_one_time    boolean not null default false,
    second_factor           text,
    pending_second_factor   text,
    second_factor_step      bigint not null default 0,
    recovery_hashes         bytea[] not null default '{}',
    last_login_at           timestamptz,
    reach                   text[] not null default '{**}',
    constraint principal_name_key unique (name),
    constraint principal_role_check
        check (role in ('viewer', 'operator', 'maintenance', 'engineer', 'auditor', 'steward', 'admin'))
);

create table api_key (
    id              bigint generated always as identity primary key,
    principal_id    bigint references principal (id),
    name            text not null,
    prefix          text not null,
    hash            bytea not null,
    role            text,
    scopes          text[] not null default '{}',
    created_at      timestamptz not null default now(),
    expires_at      timestamptz,
    revoked_at      timestamptz,
    last_used_at    timestamptz,
    reach           text[] not null default '{**}',
    constraint api_key_prefix_key unique (prefix),
    constraint api_key_role_check
        check (role in ('viewer', 'operator', 'maintenance', 'engineer', 'auditor', 'steward', 'admin'))
);

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

create table idempotency (
    principal   text not null,
    key         text not null,
    fingerprint bytea not null,
    status      integer,
    answer      bytea,
    created_at  timestamptz not null default now(),
    primary key (principal, key)
);
create index idempotency_created_at on idempotency (created_at);

create table audit (
    id          bigint generated always as identity primary key,
    at          timestamptz not null default now(),
    principal   text not null,
    action      text not null,
    object      text,
    detail      json,
    outcome     text not null default 'done',
    address     text,
    via         text,
    number      bigint,
    hash        bytea,
    constraint audit_outcome_check check (outcome in ('done', 'refused', 'failed')),
    constraint audit_seal_check check ((number is null) = (hash is null))
);
create index audit_at on audit (at);
create unique index audit_number on audit (number);
create index audit_unsealed on audit (id) where number is null;
create index audit_by_object on audit (object, id);

insert into lease (name) values ('rollups');

-- One row: how far rollups have got, and what retention has dropped. `closed_until` is raised first: from then on ingest
-- marks what is older. When no transaction is left that knew it otherwise, `marked_until` follows with the marks.
create table rollup_progress (
    is_only             boolean primary key default true,
    closed_until        timestamptz,
    marked_until        timestamptz,
    raw_kept_from       timestamptz not null default '-infinity',
    rollup_1m_kept_from timestamptz not null default '-infinity',
    rollup_15m_kept_from timestamptz not null default '-infinity',
    raw_drop_until      timestamptz not null default '-infinity',
    -- What `rollup_write` told and ended before this may be forgotten; who forgets moves it, in the same transaction.
    told_from           timestamptz not null default '-infinity',
    constraint rollup_progress_one_row check (is_only)
);
insert into rollup_progress default values;

-- What has to be rolled, for the first time or again. Ingest only appends; the roller deletes before it reads raw.
create table rollup_dirty (
    id          bigint generated always as identity primary key,
    resolution  text not null,
    bin_at      timestamptz not null,
    bin_minutes integer not null,
    from_at     timestamptz not null,
    to_at       timestamptz not null,
    series_ids  int4multirange not null,
    is_first    boolean not null default false,
    is_open     boolean not null default false,
    marked_at   timestamptz not null default now(),
    due_at      timestamptz not null default now(),
    constraint rollup_dirty_resolution_check check (resolution in ('1m', '15m'))
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);
create index rollup_dirty_bin on rollup_dirty (bin_at, bin_minutes, resolution);

-- What people changed of stored samples, with the samples as they were before.
create table correction (
    id           bigint generated always as identity primary key,
    series_id    integer not null,
    from_at      timestamptz not null,
    to_at        timestamptz not null,
    value        double precision,
    text         text,
    status       integer not null,
    reason       text not null,
    principal    text not null,
    at           timestamptz not null,
    sample_count integer not null default 0
);
create index correction_series on correction (series_id, id);

create table corrected_sample (
    correction_id bigint not null references correction (id) on delete cascade,
    series_id     integer not null,
    status        integer not null,
    time          timestamptz not null,
    value         double precision,
    text          text,
    primary key (correction_id, time)
);
create index corrected_sample_series on corrected_sample (series_id, time);

-- How large the database was, what was free beside it, and when that would be full at the pace of the last days.
create table disk_usage (
    at              timestamptz primary key,
    database_bytes  bigint not null,
    free_bytes      bigint,
    days_to_full    double precision
);

-- The retention policy of TimescaleDB: a job that drops what the role `rollups` has said may go, and nothing else.
do $$
begin
    if exists (select from pg_extension where extname = 'timescaledb') then
        execute $statement$
            create procedure drop_rolled_chunks(job_id integer, config jsonb) language plpgsql as $body$
            declare
                edges rollup_progress;
            begin
                -- Who lets edges go back waits for this to end, and this for him.
                perform pg_advisory_xact_lock(7260202, 17);
                select * into strict edges from rollup_progress;
                if isfinite(edges.raw_drop_until) then
                    perform drop_chunks('sample', older_than => edges.raw_drop_until);
                end if;
                if isfinite(edges.rollup_1m_kept_from) then
                    perform drop_chunks('rollup_1m', older_than => edges.rollup_1m_kept_from);
                end if;
                if isfinite(edges.rollup_15m_kept_from) then
                    perform drop_chunks('rollup_15m', older_than => edges.rollup_15m_kept_from);
                end if;
            end
            $body$
        $statement$;
        perform add_job('drop_rolled_chunks', interval '1 hour');
    end if;
end
$$;

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

-- Alarm definitions and their evaluation.

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
-- Assets: a tree by path that grows from tag paths and is edited; aliases say where new tags of moved assets belong.
create table asset_template (
    id          bigint generated always as identity primary key,
    name        text not null,
    description text,
    tags        jsonb not null default '[]',
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    constraint asset_template_name_key unique (name)
);

create table asset (
    id          bigint generated always as identity primary key,
    path        text not null,
    parent      text generated always as (nullif(regexp_replace(path, '/?[^/]*$', ''), '')) stored,
    depth       integer generated always as (length(path) - length(replace(path, '/', '')) + 1) stored,
    kind        text not null,
    name_en     text,
    name_zh     text,
    description text,
    location    text,
    attributes  jsonb not null default '{}',
    documents   jsonb not null default '[]',
    template_id bigint references asset_template (id),
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    constraint asset_path_key unique (path)
);
create index asset_path_bytes on asset (path collate "C");
create index asset_parent on asset (parent collate "C");
create index asset_template_id on asset (template_id);

create table asset_alias (
    agent           text not null,
    source_prefix   text not null,
    asset_id        bigint not null references asset (id) on delete cascade,
    primary key (agent, source_prefix)
);
create index asset_alias_asset_id on asset_alias (asset_id);

-- Rollups: what a minute or a quarter of an hour keeps of its samples, and the rows that were replaced.
do $$
declare
    has_timescale boolean := exists (select from pg_extension where extname = 'timescaledb');
    resolution text;
    days integer;
begin
    -- Null is the simple case: storage/rollup_wire.py has the rule of each column. Offsets and lengths are microseconds.
    for resolution, days in values ('1m', 7), ('15m', 91) loop
        execute format($table$
            create table %1$I (
            bucket          timestamptz not null,
            valid_from      timestamptz not null,
            first_value     double precision,
            last_value      double precision,
            front_value     double precision,
            back_value      double precision,
            previous_value  double precision,
            mean_offset     double precision,
            m2              double precision,
            low             double precision,
            high            double precision,
            step_area       double precision,
            line_area       double precision,
            span_step_area  double precision,
            span_line_area  double precision,
            rise            double precision,
            fall_sum        double precision,
            fall_least      double precision,
            fall_most       double precision,
            fall_later      double precision,
            total           integer not null,
            accepted        integer,
            uncertain       integer,
            first_at        integer not null,
            last_at         integer,
            first_status    integer,
            last_status     integer,
            worst_status    integer,
            front_status    integer,
            back_status     integer,
            front_at        integer,
            back_at         integer,
            previous_at     integer,
            low_at          integer,
            high_at         integer,
            held_us         integer,
            held_good_us    integer,
            good_us         integer,
            zero_us         integer,
            transitions     integer,
            fall_count      integer,
            worst_differs   boolean,
            low_repeated    boolean,
            high_repeated   boolean,
            skips           boolean,
            series_id       integer not null,
            with_uncertain  boolean not null,
            state           "char" not null,
            first_text      text,
            last_text       text,
            low_text        text,
            high_text       text,
            falls           double precision[],
            constraint %2$I primary key (series_id, bucket, with_uncertain),
            constraint %3$I check (state in ('o', 'f', 'r'))
            )
        $table$ || case when has_timescale then '' else ' partition by range (bucket)' end,
            'rollup_' || resolution, 'rollup_' || resolution || '_pkey', 'rollup_' || resolution || '_state_check');
        execute format(
            'create table %1$I (like %2$I, valid_to timestamptz not null,'
            ' constraint %3$I primary key (series_id, bucket, with_uncertain, valid_to))',
            'rollup_' || resolution || '_revision', 'rollup_' || resolution, 'rollup_' || resolution || '_revision_pkey');
        if has_timescale then
            perform create_hypertable('rollup_' || resolution, 'bucket',
                chunk_time_interval => make_interval(days => days), create_default_indexes => false);
            execute format($settings$
                alter table %I set (
                    timescaledb.compress,
                    timescaledb.compress_segmentby = 'series_id',
                    timescaledb.compress_orderby = 'bucket desc, with_uncertain'
                )
            $settings$, 'rollup_' || resolution);
            perform add_compression_policy('rollup_' || resolution, compress_after => make_interval(days => 2 * days));
        end if;
    end loop;
end
$$;
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

-- What was known at a time: rows as they stand, and those that they replaced.
create view rollup_1m_known as
select *, 'infinity'::timestamptz as valid_to from rollup_1m
union all
select * from rollup_1m_revision;

create view rollup_15m_known as
select *, 'infinity'::timestamptz as valid_to from rollup_15m
union all
select * from rollup_15m_revision;
-- Reach: how far a caller sees. A transaction of a limited caller takes the role millstream_reach and says in
-- millstream.reach, as a regular expression, which paths it may see. What is not granted here is refused; rows outside do
-- not exist for it. The owner of the tables, as which everything else runs, is not concerned.
create function in_reach(path text) returns boolean language sql stable parallel safe
    return coalesce(path ~ nullif(current_setting('millstream.reach', true), ''), false);

-- Asked as the owner of the tables, because a limited caller cannot count what it does not see.
create function is_definition_in_reach(wanted uuid) returns boolean language sql stable security definer
    set search_path = public
    begin atomic
        select exists (select from alarm_instance i where i.definition_id = wanted and not i.is_removed)
           and not exists (
                select from alarm_instance i
                where i.definition_id = wanted and not i.is_removed and not in_reach(i.instance)
           );
    end;

alter table series enable row level security;
create policy series_reach on series using (in_reach(path));
alter table asset enable row level security;
create policy asset_reach on asset using (in_reach(path));
alter table alarm enable row level security;
create policy alarm_reach on alarm using (in_reach(instance));
alter table alarm_journal enable row level security;
create policy alarm_journal_reach on alarm_journal using (in_reach(path));
alter table alarm_instance enable row level security;
create policy alarm_instance_reach on alarm_instance using (in_reach(instance));
-- A definition says where it looks: it is seen by who sees every place of it.
alter table alarm_definition enable row level security;
create policy alarm_definition_reach on alarm_definition using (is_definition_in_reach(id));
alter table alarm_definition_version enable row level security;
create policy alarm_definition_version_reach on alarm_definition_version using (is_definition_in_reach(definition_id));
alter table maintenance enable row level security;
create policy maintenance_reach on maintenance using (
    in_reach(asset)
    or exists (select from series s where s.source_agent = maintenance.agent and s.device = maintenance.device)
);
alter table agent_until enable row level security;
create policy agent_until_reach on agent_until using (
    exists (select from series s where s.source_agent = agent_until.agent and s.device = agent_until.device)
);
-- A gap names the paths of its source; it is seen by who sees all of them.
alter table gap enable row level security;
create policy gap_reach on gap using (
    case
        when paths is not null then not exists (
            select from unnest(paths) p (path)
            where not exists (select from series s where s.source_agent = gap.agent and s.source_path = p.path)
        )
        else exists (
            select from series s where s.source_agent = gap.agent and (gap.device is null or s.device = gap.device)
        )
    end
);
alter table reject enable row level security;
create policy reject_reach on reject using (
    exists (select from series s where s.source_agent = reject.agent and s.source_path = reject.path)
);
alter table correction enable row level security;
create policy correction_reach on correction using (exists (select from series s where s.id = correction.series_id));
alter table corrected_sample enable row level security;
create policy corrected_sample_reach on corrected_sample using (
    exists (select from series s where s.id = corrected_sample.series_id)
);
alter table audit enable row level security;
create policy audit_reach on audit for insert with check (true);

-- A database user who may not make roles leaves this to an administrator; until then limited callers are refused.
do $$
begin
    if not exists (select from pg_roles where rolname = 'millstream_reach') then
        begin
            create role millstream_reach nologin;
        exception
            when duplicate_object or unique_violation then null;
            when insufficient_privilege then
                raise warning 'no role millstream_reach: callers of limited reach will be refused';
                return;
        end;
    end if;
    if not pg_has_role(current_user, 'millstream_reach', 'member') then
        grant millstream_reach to current_user;
    end if;
    grant select on
        series, asset, asset_template, sample, latest, rollup_1m, rollup_15m, rollup_1m_revision, rollup_15m_revision,
        rollup_progress, rollup_dirty, alarm, alarm_journal, alarm_journal_head, alarm_instance, alarm_definition,
        alarm_definition_version, maintenance, agent_until, outage, ingest_seen, gap, reject, correction,
        corrected_sample, lease, rollup_1m_known, rollup_15m_known
        to millstream_reach;
    grant update on series, alarm to millstream_reach;
    grant update (series_generation) on lease to millstream_reach;
    grant insert on alarm_journal, audit to millstream_reach;
end
$$;

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

-- The audit's chain.
-- The end of the chain, kept apart from it; and where the rows end that were let go because they were old enough. Each such
-- step is a row of the chain itself (audit.prune), so that nobody can let rows go unseen.
create table audit_head (
    is_only         boolean primary key default true,
    number          bigint not null default 0,
    hash            bytea not null default '',
    pruned_number   bigint not null default 0,
    pruned_hash     bytea not null default '',
    pruned_at       timestamptz,
    constraint audit_head_check check (is_only)
);
insert into audit_head default values;

-- Six months are the least, whatever a service is told: a younger row is let go by nobody.
create function refuse_audit_change() returns trigger language plpgsql as $body$
declare
    unsealed audit;
begin
    if tg_op = 'INSERT' then
        if new.number is null then
            return new;
        end if;
    elsif tg_op = 'UPDATE' then
        unsealed := new;
        unsealed.number := null;
        unsealed.hash := null;
        if old.number is null and new.number is not null and unsealed::text = old::text then
            return new;
        end if;
    elsif tg_op = 'DELETE' then
        if old.at < now() - interval '180 days' and old.number <= (select pruned_number from audit_head) then
            return old;
        end if;
    end if;
    raise exception 'audit is append-only' using errcode = 'insufficient_privilege';
end
$body$;
create trigger audit_append_only before insert or update or delete on audit
    for each row execute function refuse_audit_change();
create trigger audit_keep before truncate on audit
    for each statement execute function refuse_audit_change();

-- How far sealed rows were sent to other systems.
create table audit_forward (
    target      text primary key,
    number      bigint not null default 0,
    sent_at     timestamptz,
    failure     text
);

insert into lease (name) values ('audit');

-- What people have chosen for themselves in the console: language, filters, saved views.
create table person_view (
    principal_id    bigint not null references principal (id) on delete cascade,
    name            text not null,
    content         jsonb not null,
    changed_at      timestamptz not null default now(),
    primary key (principal_id, name)
);

-- Shares: what another company may read of this plant, by a key or a link of its own. A transaction that serves one takes
-- the role millstream_share, whose search path is the schema `shared`: views in which nothing is but what the share named in
-- millstream.share holds, under the names that its owner chose. The role has no right to any table.
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
-- Replaced at the end of this file: what is calculated on the fly is in it as well.
create view shared.series with (security_barrier) as
    select s.id, x.alias as path, s.kind, s.unit, null::text as description,
           null::double precision as low, null::double precision as high, null::text as device, null::text as asset,
           ''::text as source_agent, x.alias as source_path, null::double precision as scan_period_s, s.created_at,
           s.retired_at, s.stepped, s.treat_uncertain_as_bad, s.percent_data_good, s.percent_data_bad,
           s.sloped_extrapolation, s.counter_rollover, null::text as calculation
    from share_series x
    join series s on s.id = x.series_id
    where x.share_id = (select id from shared.this_share) and s.calculation is distinct from 'on_the_fly';
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
    select closed_until, marked_until, raw_kept_from, rollup_1m_kept_from, rollup_15m_kept_from, raw_drop_until
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

-- Calculated series.
create table calculation (
    id              bigint generated always as identity primary key,
    series_id       integer not null,
    version         integer not null default 1,
    mode            text not null,
    body            jsonb not null,
    -- The series that each name in the expression stands for, whatever they are called since.
    names           jsonb not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    updated_by      text not null,
    deleted_at      timestamptz,
    constraint calculation_series_key unique (series_id),
    constraint calculation_mode_check check (mode in ('on_the_fly', 'materialised'))
);

create table calculation_version (
    calculation_id  bigint not null references calculation (id) on delete cascade,
    version         integer not null,
    change          text not null,
    mode            text not null,
    body            jsonb not null,
    changed_at      timestamptz not null default now(),
    changed_by      text not null,
    primary key (calculation_id, version)
);

-- The stored series that a calculation comes down to, through others that are calculated on the fly.
create table calculation_input (
    calculation_id  bigint not null references calculation (id) on delete cascade,
    series_id       integer not null,
    primary key (calculation_id, series_id)
);
create index calculation_input_series on calculation_input (series_id);

-- Of materialised ones: `announced_at` is raised first, from then on whoever writes inputs up to there marks them; when
-- everybody knows, `evaluated_at` follows with the samples.
create table calculation_progress (
    calculation_id  bigint primary key references calculation (id) on delete cascade,
    announced_at    timestamptz not null,
    evaluated_at    timestamptz,
    problem         text,
    retry_at        timestamptz
) with (fillfactor = 50);

-- What has to be computed again: inputs that came late or changed, or (no series) stretches of the result itself.
create table calculation_dirty (
    id              bigint generated always as identity primary key,
    calculation_id  bigint not null references calculation (id) on delete cascade,
    series_id       integer,
    from_at         timestamptz not null,
    to_at           timestamptz not null,
    due_at          timestamptz not null
);
create index calculation_dirty_due on calculation_dirty (due_at);
create index calculation_dirty_calculation on calculation_dirty (calculation_id);

insert into lease (name) values ('calculations');

-- A series that is calculated on the fly shows its inputs: it is seen by who sees all of them.
create function is_calculation_in_reach(wanted integer) returns boolean language sql stable security definer
    set search_path = public
    begin atomic
        with recursive named (series_id) as (
            select each.value::int4
            from calculation c
            cross join lateral jsonb_each_text(c.names) each
            where c.series_id = wanted
            union
            select each.value::int4
            from named n
            join calculation c on c.series_id = n.series_id and c.mode = 'on_the_fly'
            cross join lateral jsonb_each_text(c.names) each
        )
        select not exists (
            select from named n join series s on s.id = n.series_id where not in_reach(s.path)
        );
    end;
create policy series_calculation_reach on series as restrictive using (
    calculation is distinct from 'on_the_fly' or is_calculation_in_reach(id)
);
alter table calculation enable row level security;
create policy calculation_reach on calculation using (
    exists (select from series s where s.id = calculation.series_id)
    and is_calculation_in_reach(series_id)
);
alter table calculation_version enable row level security;
create policy calculation_version_reach on calculation_version using (
    exists (select from calculation c where c.id = calculation_version.calculation_id)
);
alter table calculation_input enable row level security;
create policy calculation_input_reach on calculation_input using (
    exists (select from calculation c where c.id = calculation_input.calculation_id)
);
alter table calculation_progress enable row level security;
create policy calculation_progress_reach on calculation_progress using (
    exists (select from calculation c where c.id = calculation_progress.calculation_id)
);
alter table calculation_dirty enable row level security;
create policy calculation_dirty_reach on calculation_dirty using (
    exists (select from calculation c where c.id = calculation_dirty.calculation_id)
);

do $$
begin
    if exists (select from pg_roles where rolname = 'millstream_reach') then
        grant select on
            calculation, calculation_version, calculation_input, calculation_progress, calculation_dirty
            to millstream_reach;
    end if;
end
$$;

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

-- The plant's own name, its shifts, and how long it keeps data; null: as the environment says.
create table site_setting (
    is_only         boolean primary key default true,
    name            text not null default '',
    shifts          text[] not null default '{06:00,14:00,22:00}',
    retention_raw   text,
    retention_1m    text,
    retention_15m   text,
    set_up_at       timestamptz,
    constraint site_setting_check check (is_only)
);
insert into site_setting default values;
-- What people write about a stretch of a series or of an asset; it moves along, and is seen by who sees that.
create table note (
    id          bigint generated always as identity primary key,
    series_id   integer references series (id) on delete cascade,
    asset_id    bigint references asset (id) on delete cascade,
    from_at     timestamptz not null,
    to_at       timestamptz not null,
    text        text not null,
    who         text not null,
    created_at  timestamptz not null default now(),
    check (num_nonnulls(series_id, asset_id) = 1),
    check (from_at <= to_at)
);
create index note_series on note (series_id);
create index note_asset on note (asset_id);
alter table note enable row level security;
create policy note_reach on note using (
    exists (select from series s where s.id = note.series_id) or exists (select from asset a where a.id = note.asset_id)
);
do $$
begin
    if exists (select from pg_roles where rolname = 'millstream_reach') then
        grant select, insert, delete on note to millstream_reach;
    end if;
end
$$;

-- More for callers of limited reach: how complete history is, how good the alarms of their part are, to describe assets, to
-- see the rules for what was put aside, to share what they see with other companies.
alter table agent enable row level security;
create policy agent_reach on agent using (exists (select from series s where s.source_agent = agent.id));
alter table ledger enable row level security;
create policy ledger_reach on ledger using (exists (select from series s where s.source_agent = ledger.agent));
alter table reject_rule enable row level security;
create policy reject_rule_reach on reject_rule using (
    exists (select from series s where s.source_agent = reject_rule.agent and s.source_path = reject_rule.path)
);

-- Asked as the owner of the tables: nobody of limited reach sees the audit.
create function is_definition_change_audited(changed timestamptz) returns boolean language sql stable security definer
    set search_path = public
    begin atomic
        select changed <= coalesce((select pruned_at from audit_head), '-infinity')
            or exists (select from audit where at = changed and action like 'alarm\_definition.%');
    end;

-- A share is seen, and made, by who sees all of it: every series, every asset, and every series below these, whose alarms
-- may be counted.
create function is_share_in_reach(wanted bigint) returns boolean language sql stable security definer
    set search_path = public
    begin atomic
        select not exists (
                select from share_series x join series s on s.id = x.series_id
                where x.share_id = wanted and not in_reach(s.path)
            )
            and not exists (
                select from share_asset a where a.share_id = wanted and not in_reach(a.path)
            )
            and not exists (
                select from share_asset a join series s on starts_with(s.path, a.path || '/')
                where a.share_id = wanted and not in_reach(s.path)
            );
    end;
alter table share enable row level security;
create policy share_reach on share using (is_share_in_reach(id));
alter table share_version enable row level security;
create policy share_version_reach on share_version using (is_share_in_reach(share_id));
alter table share_asset enable row level security;
create policy share_asset_reach on share_asset using (is_share_in_reach(share_id)) with check (in_reach(path));
alter table share_series enable row level security;
create policy share_series_reach on share_series using (is_share_in_reach(share_id)) with check (
    exists (select from series s where s.id = share_series.series_id)
);
alter table share_key enable row level security;
create policy share_key_reach on share_key using (is_share_in_reach(share_id));
alter table share_read enable row level security;
create policy share_read_reach on share_read using (is_share_in_reach(share_id));

do $$
begin
    if exists (select from pg_roles where rolname = 'millstream_reach') then
        -- Not every column of an agent: what it says of itself speaks of all that it measures, so it is not listed.
        grant select (id, state, state_at, health, health_at, replaced_by) on agent to millstream_reach;
        grant select on ledger, reject_rule to millstream_reach;
        grant update (kind, name_en, name_zh, description, location, attributes, documents, template_id, updated_at)
            on asset to millstream_reach;
        grant select, insert, update on share, share_key to millstream_reach;
        grant select, insert on share_version to millstream_reach;
        grant select, insert, delete on share_asset, share_series to millstream_reach;
        grant select on share_read to millstream_reach;
    end if;
end
$$;
-- Values that people enter: the series made for it with what they may hold, and every entry with who and why.
create table entry_series (
    series_id   integer primary key references series (id) on delete cascade,
    choices     jsonb,
    made_by     text not null
);
-- `value` is JSON, as it was entered. Of one instant of a series one entry stands; those that it replaced stay.
create table series_entry (
    id          bigint generated always as identity primary key,
    series_id   integer not null references entry_series (series_id) on delete cascade,
    time        timestamptz not null,
    value       text not null,
    comment     text not null,
    who         text not null,
    entered_at  timestamptz not null,
    caller      text not null,
    key         text,
    fingerprint bytea,
    replaced_at timestamptz,
    replaced_by text
);
create unique index series_entry_time on series_entry (series_id, time) where replaced_at is null;
create index series_entry_all on series_entry (series_id, time, id);
create unique index series_entry_key on series_entry (caller, key) where key is not null;
alter table entry_series enable row level security;
create policy entry_series_reach on entry_series using (
    exists (select from series s where s.id = entry_series.series_id)
);
alter table series_entry enable row level security;
create policy series_entry_reach on series_entry using (
    exists (select from series s where s.id = series_entry.series_id)
);
do $$
begin
    if exists (select from pg_roles where rolname = 'millstream_reach') then
        grant select, update on entry_series to millstream_reach;
        grant select on series_entry to millstream_reach;
    end if;
end
$$;

-- Every list of latest samples asks for them; mostly there are few or none.
create index series_on_the_fly on series (path collate "C") where calculation = 'on_the_fly';

-- What calculations read, by names of its own: in the schema `shared` the same names mean what a share's calculations need.
create view input_sample with (security_invoker = true) as
    select series_id, time, value, status from sample;
create view calculation_source with (security_invoker = true) as
    select s.id, s.path, s.kind, s.unit, s.description, s.source_agent, s.device, s.scan_period_s, s.retired_at,
           s.calculation, u.until_at
    from series s
    left join agent_until u on u.agent = s.source_agent and u.device = s.device;

-- A series that is calculated on the fly is shared as its owner looked at it: with another formula it would tell
-- something else, of all the past, and the difference of both would tell its inputs.
create table share_calculation (
    share_id        bigint not null references share (id),
    series_id       integer not null,
    calculation_id  bigint not null references calculation (id) on delete cascade,
    version         integer not null,
    primary key (share_id, series_id, calculation_id)
);
alter table share_calculation enable row level security;
create policy share_calculation_reach on share_calculation using (is_share_in_reach(share_id));

-- The calculations that a series comes down to, as far as nothing of them is stored.
create function calculations_needed(wanted integer) returns table (calculation_id bigint, version integer)
    language sql stable security definer set search_path = public
    begin atomic
        with recursive needed (series_id) as (
            select wanted
            union
            select named.value::int4
            from needed n
            join calculation c on c.series_id = n.series_id and c.mode = 'on_the_fly'
            cross join lateral jsonb_each_text(c.names) named
        )
        select c.id, c.version from needed n join calculation c on c.series_id = n.series_id and c.mode = 'on_the_fly';
    end;
create function is_calculated_as_shared(share bigint, wanted integer) returns boolean
    language sql stable security definer set search_path = public
    begin atomic
        select exists (select from calculations_needed(wanted))
           and not exists (
               select
               from calculations_needed(wanted) n
               left join share_calculation p
                 on p.share_id = share and p.series_id = wanted and p.calculation_id = n.calculation_id
               where p.version is distinct from n.version
           );
    end;

create or replace view shared.series with (security_barrier) as
    select s.id, x.alias as path, s.kind, s.unit, null::text as description,
           null::double precision as low, null::double precision as high, null::text as device, null::text as asset,
           ''::text as source_agent, x.alias as source_path, null::double precision as scan_period_s, s.created_at,
           s.retired_at, s.stepped, s.treat_uncertain_as_bad, s.percent_data_good, s.percent_data_bad,
           s.sloped_extrapolation, s.counter_rollover,
           case when s.calculation = 'on_the_fly' then s.calculation end as calculation
    from share_series x
    join series s on s.id = x.series_id
    where x.share_id = (select id from shared.this_share)
      and (s.calculation is distinct from 'on_the_fly' or is_calculated_as_shared(x.share_id, s.id));
create view shared.calculation with (security_barrier) as
    select id, series_id, version, mode, body, names, created_at, updated_at, ''::text as updated_by, deleted_at
    from public.calculation
    where id = any(array(
        select n.calculation_id
        from shared.series s
        cross join lateral public.calculations_needed(s.id) n
        where s.calculation = 'on_the_fly'
    ));
-- No names, agents and devices: formulas know series by number.
create view shared.calculation_source with (security_barrier) as
    select s.id, ''::text as path, s.kind, s.unit, null::text as description, ''::text as source_agent,
           null::text as device, s.scan_period_s, s.retired_at, s.calculation, u.until_at
    from public.series s
    left join public.agent_until u on u.agent = s.source_agent and u.device = s.device
    where s.id = any(array(
        select i.series_id from shared.calculation c join public.calculation_input i on i.calculation_id = c.id
        union
        select c.series_id from shared.calculation c
    ));
create view shared.input_sample with (security_barrier) as
    select series_id, time, value, status
    from public.sample
    where series_id = any(array(select id from shared.series union select id from shared.calculation_source))
      and time >= (select from_at - interval '1 day' from shared.this_share)
      and time < (select to_at from shared.this_share);
do $$
begin
    if exists (select from pg_roles where rolname = 'millstream_reach') then
        grant select on input_sample, calculation_source to millstream_reach;
        grant select, insert, delete on share_calculation to millstream_reach;
    end if;
    if exists (select from pg_roles where rolname = 'millstream_share') then
        grant select on shared.calculation, shared.calculation_source, shared.input_sample to millstream_share;
    end if;
end
$$;

-- One row a transaction that wrote, changed or deleted samples above the watermark: the name under which a process
-- holds them, or their series. The roller deletes what has long been rolled.
create table rollup_write (
    id         bigint generated always as identity primary key,
    from_at    timestamptz not null,
    to_at      timestamptz not null,
    handed     uuid,
    series_ids int4multirange,
    constraint rollup_write_one check (num_nonnulls(handed, series_ids) = 1)
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);

-- Samples written by SQL of somebody's own are noticed: transactions of ours say that they tell what they write
-- (lock_closed), which costs a look at a setting a statement.
create table untold_write (
    at timestamptz not null
);

create function notice_untold() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    closed timestamptz;
begin
    select closed_until into closed from rollup_progress;
    if closed is null then
        return null;
    end if;
    -- A name that nobody holds: minutes from here on are read from the database when they are rolled.
    insert into rollup_write (from_at, to_at, handed)
    select closed, greatest(closed, now()) + interval '10 minutes', '00000000-0000-0000-0000-000000000000'
    where not exists (
        select from rollup_write
        where handed = '00000000-0000-0000-0000-000000000000' and to_at > now() + interval '9 minutes 30 seconds'
    );
    insert into untold_write
    select now() where not exists (select from untold_write where at > now() - interval '10 minutes');
    if current_setting('millstream.warned', true) is distinct from 'yes' then
        raise warning 'samples were changed by SQL: rollups may lack what is already rolled; alarms and calculations do not see it'
            using hint = 'Then run: millstream cloud rollups rebuild --path … --from … --to …';
        perform set_config('millstream.warned', 'yes', false);
    end if;
    return null;
end
$$;

create trigger sample_untold after insert or update or delete on sample
    for each statement
    when (current_setting('millstream.tells', true) is distinct from 'yes')
    execute function notice_untold();
