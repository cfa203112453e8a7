-- Globs and pages read paths in byte order, whatever the database's own collation is.
create index series_path_bytes on series (path collate "C");

-- A key may have scopes alone: one that scrapes metrics reads no data.
alter table api_key alter column role drop not null;
