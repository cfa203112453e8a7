-- Shares: their terms and what these mean, keys, reads; and the transaction that serves one.

-- name: set_share
select set_config('millstream.share', %(share_id)s, true), set_config('search_path', 'shared', true),
       set_config('role', 'millstream_share', true)

-- name: insert_share
insert into share (
    name, terms, from_at, to_at, rolling_s, expires_at, rows_per_day, rows_total, created_by, changed_by
)
values (
    %(name)s, %(terms)s::jsonb, %(from_at)s, %(to_at)s, %(rolling_s)s, %(expires_at)s, %(rows_per_day)s,
    %(rows_total)s, %(who)s, %(who)s
)
returning id

-- name: update_share
update share
set name = %(name)s, terms = %(terms)s::jsonb, from_at = %(from_at)s, to_at = %(to_at)s, rolling_s = %(rolling_s)s,
    expires_at = %(expires_at)s, rows_per_day = %(rows_per_day)s, rows_total = %(rows_total)s,
    version = version + 1, changed_at = now(), changed_by = %(who)s
where id = %(share_id)s

-- name: update_share_state
update share
set state = %(state)s, version = version + 1, changed_at = now(), changed_by = %(who)s
where id = %(share_id)s

-- name: insert_share_version
insert into share_version (share_id, version, name, state, terms, changed_at, changed_by)
select id, version, name, state, terms, changed_at, changed_by
from share
where id = %(share_id)s

-- name: lock_share
select id, name, state, version, terms::text, from_at, to_at, rolling_s, expires_at, rows_per_day, rows_total,
       spent_rows,
       case when spent_day = (now() at time zone 'UTC')::date then spent_day_rows else 0 end as spent_day_rows,
       expires_at <= now() as is_expired, created_at, created_by, changed_at, changed_by
from share
where id = %(share_id)s
for update

-- name: select_share
select id, name, state, version, terms::text, from_at, to_at, rolling_s, expires_at, rows_per_day, rows_total,
       spent_rows,
       case when spent_day = (now() at time zone 'UTC')::date then spent_day_rows else 0 end as spent_day_rows,
       expires_at <= now() as is_expired, created_at, created_by, changed_at, changed_by
from share
where id = %(share_id)s

-- name: select_shares
select id, name, state, version, terms::text, from_at, to_at, rolling_s, expires_at, rows_per_day, rows_total,
       spent_rows,
       case when spent_day = (now() at time zone 'UTC')::date then spent_day_rows else 0 end as spent_day_rows,
       expires_at <= now() as is_expired, created_at, created_by, changed_at, changed_by
from share
where id > %(after_id)s
order by id
limit %(limit)s

-- name: select_share_versions
select version, name, state, terms::text, changed_at, changed_by
from share_version
where share_id = %(share_id)s
order by version desc

-- name: spend_share_rows
-- One row of a share, so that requests at once wait for each other here and never spend more than there is.
update share
set spent_rows = spent_rows + %(rows)s,
    spent_day_rows = %(rows)s
        + case when spent_day = (now() at time zone 'UTC')::date then spent_day_rows else 0 end,
    spent_day = (now() at time zone 'UTC')::date
where id = %(share_id)s and state = 'active' and expires_at > now() and version = %(version)s
  and exists (
      select from share_key k
      where k.id = %(key_id)s and k.share_id = share.id and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > now())
  )
  and (rows_total is null or spent_rows + %(rows)s <= rows_total)
  and (
      rows_per_day is null
      or %(rows)s + case when spent_day = (now() at time zone 'UTC')::date then spent_day_rows else 0 end
         <= rows_per_day
  )
returning id

-- name: delete_share_assets
delete from share_asset where share_id = %(share_id)s

-- name: delete_share_series
delete from share_series where share_id = %(share_id)s

-- name: insert_share_assets
insert into share_asset (share_id, path, alias)
select %(share_id)s, path, alias
from unnest(%(paths)s::text[], %(aliases)s::text[]) as given (path, alias)

-- name: insert_share_series
insert into share_series (share_id, series_id, alias, asset_path, tag)
select %(share_id)s, series_id, alias, asset_path, tag
from unnest(%(series_ids)s::int4[], %(aliases)s::text[], %(asset_paths)s::text[], %(tags)s::int4[])
    as given (series_id, alias, asset_path, tag)

-- name: select_share_assets
select path, alias
from share_asset
where share_id = %(share_id)s
order by alias collate "C"

-- name: select_share_series
select x.series_id, x.alias, x.asset_path, x.tag, s.path, s.unit,
       s.calculation is not distinct from 'on_the_fly' and not is_calculated_as_shared(x.share_id, s.id) as is_held_back
from share_series x
join series s on s.id = x.series_id
where x.share_id = %(share_id)s
order by x.alias collate "C"

-- name: delete_share_calculations
delete from share_calculation where share_id = %(share_id)s

-- name: insert_share_calculations
-- What is calculated on the fly is shared as it is now.
insert into share_calculation (share_id, series_id, calculation_id, version)
select x.share_id, x.series_id, n.calculation_id, n.version
from share_series x
join series s on s.id = x.series_id and s.calculation = 'on_the_fly'
cross join lateral calculations_needed(x.series_id) n
where x.share_id = %(share_id)s

-- name: select_assets_to_share
select a.path
from asset a
left join asset_template t on t.id = a.template_id
where a.path collate "C" >= %(from_path)s and a.path collate "C" < %(to_path)s and a.path ~ %(pattern)s
  and (%(template)s::text is null or t.name = %(template)s)
order by a.path collate "C"
limit %(limit)s

-- name: insert_share_key
insert into share_key (share_id, name, kind, prefix, hash, created_by, expires_at)
values (%(share_id)s, %(name)s, %(kind)s, %(prefix)s, %(hash)s, %(who)s, %(expires_at)s)
returning id

-- name: select_share_keys
select id, share_id, name, kind, prefix, hash, created_at, created_by, expires_at, revoked_at, last_used_at,
       coalesce(expires_at <= now(), false) as is_expired,
       coalesce(last_used_at < now() - interval '1 minute', true) as is_use_unnoted
from share_key
where share_id = %(share_id)s
order by id

-- name: select_share_key
select id, share_id, name, kind, prefix, hash, created_at, created_by, expires_at, revoked_at, last_used_at,
       coalesce(expires_at <= now(), false) as is_expired,
       coalesce(last_used_at < now() - interval '1 minute', true) as is_use_unnoted
from share_key
where prefix = %(prefix)s

-- name: update_share_key_used
update share_key set last_used_at = now() where id = %(key_id)s

-- name: update_share_key_revoked
update share_key set revoked_at = now() where id = %(key_id)s and revoked_at is null returning id

-- name: update_share_key_expiry
update share_key set expires_at = least(%(expires_at)s, expires_at) where id = %(key_id)s

-- name: insert_share_read
insert into share_read (share_id, key_id, version, address, client, what, question, outcome)
values (
    %(share_id)s, %(key_id)s, %(version)s, %(address)s, %(client)s, %(what)s, %(question)s::jsonb, %(outcome)s
)
returning id

-- name: update_share_read
update share_read
set row_count = row_count + %(rows)s,
    outcome = coalesce(%(outcome)s, outcome),
    ended_at = case when %(outcome)s::text is null then ended_at else now() end
where id = %(read_id)s

-- name: select_share_reads
select r.id, r.at, r.ended_at, r.key_id, k.name as key_name, k.prefix as key_prefix, r.version, r.address, r.client,
       r.what, r.question::text, r.row_count, r.outcome
from share_read r
join share_key k on k.id = r.key_id
where r.share_id = %(share_id)s and r.id < %(before_id)s
order by r.id desc
limit %(limit)s

-- name: select_shared_window
-- As the share's own role: nothing where it cannot be read any more.
select from_at, to_at from this_share

-- name: select_shared_aliases
select alias from asset_alias order by alias collate "C"

-- name: select_shared_raises
-- How often alarms were raised, by asset, interval (`place` counts from 1) and priority.
select alias, width_bucket(at, %(edges)s::timestamptz[]) as place, priority, count(*)
from alarm_raise
where at >= %(from_at)s and at < %(to_at)s
group by 1, 2, 3

-- name: refund_share_rows
-- What was taken on another day is not given back to this one.
update share
set spent_rows = greatest(0, spent_rows - %(rows)s),
    spent_day_rows = greatest(0, spent_day_rows - case when spent_day = %(day)s then %(rows)s else 0 end)
where id = %(share_id)s
