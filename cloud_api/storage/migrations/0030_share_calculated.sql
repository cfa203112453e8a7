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
