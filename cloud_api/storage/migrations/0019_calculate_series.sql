-- Calculated series: definitions, versions, inputs, how far they are, and what has to be computed again.
alter table series add column calculation text
    constraint series_calculation_check check (calculation in ('on_the_fly', 'materialised'));

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
        select not exists (
            select from calculation c
            join calculation_input i on i.calculation_id = c.id
            join series s on s.id = i.series_id
            where c.series_id = wanted and not in_reach(s.path)
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

-- What is calculated on the fly has no samples that could be shared.
create or replace view shared.series with (security_barrier) as
    select s.id, x.alias as path, s.kind, s.unit, null::text as description,
           null::double precision as low, null::double precision as high, null::text as device, null::text as asset,
           ''::text as source_agent, x.alias as source_path, null::double precision as scan_period_s, s.created_at,
           s.retired_at, s.stepped, s.treat_uncertain_as_bad, s.percent_data_good, s.percent_data_bad,
           s.sloped_extrapolation, s.counter_rollover, null::text as calculation
    from share_series x
    join series s on s.id = x.series_id
    where x.share_id = (select id from shared.this_share) and s.calculation is distinct from 'on_the_fly';
