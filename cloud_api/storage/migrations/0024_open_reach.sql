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
