-- Assets: a tree by path that grows from tag paths and is edited; aliases say where new tags of moved assets belong.
alter table series drop column asset;
alter table series
    add column asset text generated always as (nullif(regexp_replace(path, '/?[^/]*$', ''), '')) stored;
create index series_asset on series (asset collate "C");

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

-- What has hung in the tree so far.
insert into asset (path, kind)
select grown.path, coalesce((array['site', 'area', 'line'])[grown.levels], 'asset')
from (
    select distinct array_to_string((string_to_array(path, '/'))[1:levels], '/') as path, levels
    from series, generate_series(1, length(path) - length(replace(path, '/', ''))) as levels
) grown
order by grown.path;
