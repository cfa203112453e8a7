-- The plant's own name, its shifts, and how long it keeps data.

-- name: select_site
select name, shifts, retention_raw, retention_1m, retention_15m, set_up_at from site_setting

-- name: update_site
update site_setting
set name = %(name)s, shifts = %(shifts)s, retention_raw = %(retention_raw)s, retention_1m = %(retention_1m)s,
    retention_15m = %(retention_15m)s, set_up_at = coalesce(set_up_at, now())
returning name, shifts, retention_raw, retention_1m, retention_15m, set_up_at
