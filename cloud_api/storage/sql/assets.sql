-- The asset tree by path: grown, read, edited, moved.

-- name: lock_paths_shared
-- Held by whoever makes series: a move waits, so that no tag appears where its asset was a moment ago.
select pg_advisory_xact_lock_shared(hashtextextended('millstream.paths', 0))

-- name: lock_paths
select pg_advisory_xact_lock(hashtextextended('millstream.paths', 0))

-- name: insert_grown_assets
-- Every level above these paths; under an enterprise the levels count from it.
insert into asset (path, kind)
select grown.path,
       coalesce(
           (array['site', 'area', 'line'])[grown.levels - case when root.kind = 'enterprise' then 1 else 0 end], 'asset'
       )
from (
    select distinct array_to_string((string_to_array(given.path, '/'))[1:levels], '/') as path, levels
    from unnest(%(paths)s::text[]) as given (path),
         generate_series(1, length(given.path) - length(replace(given.path, '/', ''))) as levels
) grown
left join asset root on root.path = split_part(grown.path, '/', 1)
order by grown.path
on conflict (path) do nothing

-- name: select_asset_page
select a.id, a.path, a.parent, a.depth, a.kind, a.name_en, a.name_zh, a.description, a.location,
       a.attributes::text as attributes, a.documents::text as documents, a.template_id, t.name as template_name,
       a.created_at, a.updated_at,
       (select count(*) from asset child where child.parent collate "C" = a.path) as child_count,
       (select count(*) from series s where s.asset collate "C" = a.path and s.retired_at is null) as series_count
from asset a
left join asset_template t on t.id = a.template_id
where a.path collate "C" >= %(from_path)s
  and a.path collate "C" < %(to_path)s
  and a.path collate "C" > %(after_path)s
  and a.path ~ %(pattern)s
  and (%(max_depth)s::int is null or a.depth <= %(max_depth)s)
  and (%(kind)s::text is null or a.kind = %(kind)s)
  and (%(template_id)s::bigint is null or a.template_id = %(template_id)s)
  and (%(words)s::text is null
       or a.path ilike %(words)s or a.name_en ilike %(words)s or a.name_zh ilike %(words)s
       or a.description ilike %(words)s or a.location ilike %(words)s
       or a.path ~ %(sound)s::text or a.name_zh ~ %(sound)s::text or a.description ~ %(sound)s::text)
order by a.path collate "C"
limit %(limit)s

-- name: select_asset
select a.id, a.path, a.parent, a.depth, a.kind, a.name_en, a.name_zh, a.description, a.location,
       a.attributes::text as attributes, a.documents::text as documents, a.template_id, t.name as template_name,
       a.created_at, a.updated_at,
       (select count(*) from asset child where child.parent collate "C" = a.path) as child_count,
       (select count(*) from series s where s.asset collate "C" = a.path and s.retired_at is null) as series_count
from asset a
left join asset_template t on t.id = a.template_id
where a.id = %(asset_id)s

-- name: select_asset_path
select path from asset where id = %(asset_id)s

-- name: select_asset_id
select id from asset where path = %(path)s

-- name: select_assets_by_paths
select a.id, a.path, a.parent, a.depth, a.kind, a.name_en, a.name_zh, a.description, a.location,
       a.attributes::text as attributes, a.documents::text as documents, a.template_id, t.name as template_name,
       a.created_at, a.updated_at, 0 as child_count, 0 as series_count
from asset a
left join asset_template t on t.id = a.template_id
where a.path = any(%(paths)s::text[])

-- name: insert_asset
insert into asset (path, kind, name_en, name_zh, description, location, attributes, documents, template_id)
values (
    %(path)s, %(kind)s, %(name_en)s, %(name_zh)s, %(description)s, %(location)s, %(attributes)s::jsonb,
    %(documents)s::jsonb, %(template_id)s
)
returning id

-- name: update_asset
update asset
set kind = %(kind)s, name_en = %(name_en)s, name_zh = %(name_zh)s, description = %(description)s,
    location = %(location)s, attributes = %(attributes)s::jsonb, documents = %(documents)s::jsonb,
    template_id = %(template_id)s, updated_at = now()
where id = %(asset_id)s

-- name: select_move_clashes
-- What stands already where these assets and series would go.
select 'asset' as what, taken.path
from asset moving
join asset taken on taken.path = %(to_path)s || substr(moving.path, length(%(from_path)s) + 1)
where moving.path = %(from_path)s
   or (moving.path collate "C" >= %(from_path)s || '/' and moving.path collate "C" < %(from_path)s || '0')
union all
select 'series', taken.path
from series moving
join series taken on taken.path = %(to_path)s || substr(moving.path, length(%(from_path)s) + 1)
where moving.path collate "C" >= %(from_path)s || '/' and moving.path collate "C" < %(from_path)s || '0'
order by 1, 2
limit 20

-- name: select_deepest_level
-- The most levels that a path at or below this one has.
select greatest(
    (
        select max(depth) from asset
        where path = %(path)s or (path collate "C" >= %(path)s || '/' and path collate "C" < %(path)s || '0')
    ),
    (
        select max(length(path) - length(replace(path, '/', '')) + 1) from series
        where path collate "C" >= %(path)s || '/' and path collate "C" < %(path)s || '0'
    )
)

-- name: upsert_asset_aliases
-- The source prefix is what is left of a wire path when the part below the asset is taken off its end.
insert into asset_alias (agent, source_prefix, asset_id)
select distinct source_agent,
       left(source_path, length(source_path) - length(path) + length(%(from_path)s)),
       %(asset_id)s::bigint
from series
where path collate "C" >= %(from_path)s || '/' and path collate "C" < %(from_path)s || '0'
  and right(source_path, length(path) - length(%(from_path)s)) = right(path, length(path) - length(%(from_path)s))
on conflict (agent, source_prefix) do update
set asset_id = excluded.asset_id

-- name: update_moved_assets
update asset
set path = %(to_path)s || substr(path, length(%(from_path)s) + 1), updated_at = now()
where path = %(from_path)s
   or (path collate "C" >= %(from_path)s || '/' and path collate "C" < %(from_path)s || '0')

-- name: update_moved_series
update series
set path = %(to_path)s || substr(path, length(%(from_path)s) + 1)
where path collate "C" >= %(from_path)s || '/' and path collate "C" < %(from_path)s || '0'

-- name: select_series_count_below
select count(*) filter (where retired_at is null), count(*)
from series
where path collate "C" >= %(path)s || '/' and path collate "C" < %(path)s || '0'

-- name: delete_assets_below
delete from asset
where path = %(path)s or (path collate "C" >= %(path)s || '/' and path collate "C" < %(path)s || '0')
returning path
