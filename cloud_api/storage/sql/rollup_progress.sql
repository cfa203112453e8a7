-- How far rollups have got.

-- name: select_rollup_progress
select closed_until,
       marked_until,
       nullif(raw_kept_from, '-infinity'),
       nullif(rollup_1m_kept_from, '-infinity'),
       nullif(rollup_15m_kept_from, '-infinity')
from rollup_progress
