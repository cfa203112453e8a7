-- Templates: the tags that an asset should have.

-- name: select_template_page
select t.id, t.name, t.description, t.tags::text as tags, t.created_at, t.updated_at,
       (select count(*) from asset a where a.template_id = t.id) as asset_count
from asset_template t
where t.id > %(after_id)s
order by t.id
limit %(limit)s

-- name: select_template
select t.id, t.name, t.description, t.tags::text as tags, t.created_at, t.updated_at,
       (select count(*) from asset a where a.template_id = t.id) as asset_count
from asset_template t
where t.id = %(template_id)s

-- name: select_template_exists
select exists (select from asset_template where id = %(template_id)s)

-- name: select_template_ids
select name, id from asset_template where name = any(%(names)s::text[])

-- name: insert_template
insert into asset_template (name, description, tags)
values (%(name)s, %(description)s, %(tags)s::jsonb)
returning id

-- name: update_template
update asset_template
set name = %(name)s, description = %(description)s, tags = %(tags)s::jsonb, updated_at = now()
where id = %(template_id)s

-- name: delete_template
delete from asset_template where id = %(template_id)s

-- name: select_bound_paths
-- Assets that have a template of their own, below these.
select bound.path
from unnest(%(paths)s::text[]) as outer_asset (path)
join asset bound on bound.path collate "C" > outer_asset.path || '/' and bound.path collate "C" < outer_asset.path || '0'
where bound.template_id is not null

-- name: select_tags_below
-- The series in use below each of these assets.
select a.path as asset, s.id, s.path, s.kind, s.unit, s.low, s.high, s.scan_period_s
from unnest(%(paths)s::text[]) as a (path)
join series s on s.path collate "C" >= a.path || '/' and s.path collate "C" < a.path || '0'
where s.retired_at is null
order by a.path collate "C", s.path collate "C"
