-- Reach: how far a caller sees. A transaction of a limited caller takes the role millstream_reach and says in
-- millstream.reach, as a regular expression, which paths it may see. What is not granted here is refused; rows outside do
-- not exist for it. The owner of the tables, as which everything else runs, is not concerned.
alter table principal add column reach text[] not null default '{**}';
alter table api_key add column reach text[] not null default '{**}';
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
