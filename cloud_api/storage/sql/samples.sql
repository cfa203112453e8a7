-- Samples in: COPY is the fast way, the upsert is for what COPY refused because a key was there already.

-- name: copy_samples
copy sample (series_id, status, time, value, text) from stdin (format binary)

-- name: upsert_samples
-- NaN stands for null in the array of values; a NaN that was measured is a text. `existing` reads the table as it was.
with new as materialized (
    select arrays.series_id, arrays.status, arrays.time, nullif(arrays.value, 'NaN') as value, arrays.text
    from unnest(
        %(series_ids)s::int4[], %(statuses)s::int4[], %(times)s::timestamptz[], %(values)s::float8[], %(texts)s::text[]
    ) as arrays (series_id, status, time, value, text)
),
existing as (
    select count(*) as keys
    from new
    join sample on sample.series_id = new.series_id and sample.time = new.time
),
written as (
    insert into sample (series_id, status, time, value, text)
    select new.series_id, new.status, new.time, new.value, new.text
    from new
    on conflict (series_id, time) do update
    set status = excluded.status, value = excluded.value, text = excluded.text
    where (sample.status, sample.value, sample.text) is distinct from (excluded.status, excluded.value, excluded.text)
      -- What somebody has corrected is not undone by its source sending it again.
      and not exists (
          select from corrected_sample as c where c.series_id = excluded.series_id and c.time = excluded.time
      )
    returning 1
)
select (select count(*) from written), (select existing.keys from existing)

-- name: upsert_latest
insert into latest (series_id, status, time, value, text, arrived_at)
select new.series_id, new.status, new.time, nullif(new.value, 'NaN'), new.text, %(arrived_at)s
from unnest(
    %(series_ids)s::int4[], %(statuses)s::int4[], %(times)s::timestamptz[], %(values)s::float8[], %(texts)s::text[]
) as new (series_id, status, time, value, text)
on conflict (series_id) do update
set status = excluded.status, time = excluded.time, value = excluded.value, text = excluded.text,
    arrived_at = excluded.arrived_at
where excluded.time >= latest.time

-- name: update_latest
-- Half the price of the upsert, for series that have their row already.
update latest
set status = new.status, time = new.time, value = nullif(new.value, 'NaN'), text = new.text, arrived_at = %(arrived_at)s
from unnest(
    %(series_ids)s::int4[], %(statuses)s::int4[], %(times)s::timestamptz[], %(values)s::float8[], %(texts)s::text[]
) as new (series_id, status, time, value, text)
where latest.series_id = new.series_id and new.time >= latest.time

-- name: set_decompression_unlimited
select set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true)
