-- Series as applications find them, by path in byte order.

-- name: select_series_page
select id, path, kind, unit, description, low, high, device, asset,
       source_agent, source_path, scan_period_s, created_at, retired_at,
       stepped, treat_uncertain_as_bad, percent_data_good, percent_data_bad, sloped_extrapolation, counter_rollover,
       calculation
from series
where path collate "C" >= %(from_path)s
  and path collate "C" < %(to_path)s
  and path collate "C" > %(after_path)s
  and path ~ %(pattern)s
  and (%(with_retired)s or retired_at is null)
order by path collate "C"
limit %(limit)s

-- name: search_series_page
-- Words of path, description and the names of its asset, in letters or by the sound of Chinese.
select id, path, kind, unit, description, low, high, device, asset,
       source_agent, source_path, scan_period_s, created_at, retired_at,
       stepped, treat_uncertain_as_bad, percent_data_good, percent_data_bad, sloped_extrapolation, counter_rollover
from series
where path collate "C" >= %(from_path)s
  and path collate "C" < %(to_path)s
  and path collate "C" > %(after_path)s
  and path ~ %(pattern)s
  and (path ilike %(words)s or description ilike %(words)s
       or path ~ %(sound)s::text or description ~ %(sound)s::text
       or asset in (select a.path from asset a
                    where a.name_en ilike %(words)s or a.name_zh ilike %(words)s or a.name_zh ~ %(sound)s::text))
  and (%(with_retired)s or retired_at is null)
order by path collate "C"
limit %(limit)s

-- name: select_series
select id, path, kind, unit, description, low, high, device, asset,
       source_agent, source_path, scan_period_s, created_at, retired_at,
       stepped, treat_uncertain_as_bad, percent_data_good, percent_data_bad, sloped_extrapolation, counter_rollover,
       calculation
from series
where id = %(series_id)s

-- name: select_series_by_ids
select id, path, kind, unit, description, low, high, device, asset,
       source_agent, source_path, scan_period_s, created_at, retired_at,
       stepped, treat_uncertain_as_bad, percent_data_good, percent_data_bad, sloped_extrapolation, counter_rollover,
       calculation
from series
where id = any(%(series_ids)s)
order by path collate "C"

-- name: update_series
update series
set path = %(path)s, unit = %(unit)s, description = %(description)s, retired_at = %(retired_at)s,
    stepped = %(stepped)s, treat_uncertain_as_bad = %(treat_uncertain_as_bad)s,
    percent_data_good = %(percent_data_good)s, percent_data_bad = %(percent_data_bad)s,
    sloped_extrapolation = %(sloped_extrapolation)s, counter_rollover = %(counter_rollover)s
where id = %(series_id)s

-- name: update_series_generation
update lease set series_generation = series_generation + 1 where name = 'ingest'

-- name: select_series_at
select id, path, kind, unit, description, low, high, device, asset,
       source_agent, source_path, scan_period_s, created_at, retired_at,
       stepped, treat_uncertain_as_bad, percent_data_good, percent_data_bad, sloped_extrapolation, counter_rollover,
       calculation
from series
where path = any(%(paths)s::text[])
