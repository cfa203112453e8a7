-- How far the rest of a transaction sees.

-- name: set_reach
select set_config('millstream.reach', %(pattern)s, true), set_config('role', 'millstream_reach', true)
