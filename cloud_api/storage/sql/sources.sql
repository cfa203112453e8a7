-- Series by their source: (agent, wire path); tag dictionaries.

-- name: select_source_series
select source_path, id, kind, path
from series
where source_agent = %(agent)s and source_path = any(%(paths)s::text[])

-- name: insert_source_series
-- A path that another source shows is left out: its samples are foreign. Below an asset that was moved, a new tag
-- shows where the asset is now; the longest known prefix says which.
insert into series (source_agent, source_path, path, kind)
select %(agent)s, new.path, coalesce(moved.path, new.path), new.kind
from unnest(%(paths)s::text[], %(kinds)s::text[]) as new (path, kind)
left join lateral (
    select asset.path || substr(new.path, length(alias.source_prefix) + 1) as path
    from asset_alias alias
    join asset on asset.id = alias.asset_id
    where alias.agent = %(agent)s and starts_with(new.path, alias.source_prefix || '/')
    order by length(alias.source_prefix) desc
    limit 1
) moved on true
order by new.path
on conflict do nothing
returning source_path, id, kind, path

-- name: update_series_kinds
update series
set kind = new.kind
from unnest(%(ids)s::int4[], %(kinds)s::text[]) as new (id, kind)
where series.id = new.id and series.kind <> new.kind

-- name: update_series_descriptions
update series
set kind = case when series.kind = 'none' then coalesce(new.kind, 'none') else series.kind end,
    unit = new.unit, description = new.description, low = new.low, high = new.high, device = %(device)s,
    point = new.point, scan_period_s = new.scan_period_s, deadband = new.deadband,
    max_silence_s = new.max_silence_s
from unnest(
    %(paths)s::text[], %(kinds)s::text[], %(units)s::text[], %(descriptions)s::text[], %(lows)s::float8[],
    %(highs)s::float8[], %(points)s::text[], %(periods)s::float8[], %(deadbands)s::text[],
    %(silences)s::float8[]
) as new (path, kind, unit, description, low, high, point, scan_period_s, deadband, max_silence_s)
where series.source_agent = %(agent)s and series.source_path = new.path
  and (series.unit, series.description, series.low, series.high, series.device, series.point,
       series.scan_period_s, series.deadband, series.max_silence_s, series.kind)
      is distinct from
      (new.unit, new.description, new.low, new.high, %(device)s, new.point,
       new.scan_period_s, new.deadband, new.max_silence_s,
       case when series.kind = 'none' then coalesce(new.kind, 'none') else series.kind end)

-- name: select_tag_dictionary
select tags from tag_dictionary where agent = %(agent)s and hash = %(hash)s

-- name: insert_tag_dictionary
insert into tag_dictionary (agent, hash, tags)
values (%(agent)s, %(hash)s, %(tags)s)
on conflict (agent, hash) do nothing

-- name: delete_old_dictionaries
-- An agent whose dictionary is gone is asked to send it again, so only the newest few are kept.
delete from tag_dictionary
where agent = %(agent)s
  and hash in (
      select hash from tag_dictionary where agent = %(agent)s order by created_at desc, hash offset %(keep)s
  )

-- name: update_series_source
-- Moves an agent's series to its successor, but for those that the successor has itself.
update series
set source_agent = %(new_agent)s
where source_agent = %(old_agent)s
  and not exists (
      select from series as own
      where own.source_agent = %(new_agent)s and own.source_path = series.source_path
  )

-- name: select_source_paths
select source_path from series where source_agent = %(agent)s order by source_path
