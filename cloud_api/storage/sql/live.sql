-- What has just been stored, for streams: changes of `latest`, the samples behind them, and what a reader has missed.

-- name: select_live_heads
-- In one snapshot with what follows; its text says later what was committed by now.
select pg_current_snapshot()::text,
       (extract(epoch from now()) * 1000000)::bigint,
       (select series_generation from lease where name = 'ingest'),
       array_agg(series_id),
       array_agg(time)
from latest

-- name: select_live_samples
-- The samples of each series behind one instant, up to its latest; columns instead of rows.
select array_agg(s.id),
       array_agg(s.path),
       array_agg(s.kind),
       array_agg(x.time),
       array_agg(coalesce(x.value, 'NaN'::float8)),
       array_agg(x.status),
       array_agg(x.text)
from unnest(%(series_ids)s::int4[], %(after)s::timestamptz[], %(until)s::timestamptz[]) as wanted (id, after, until)
join series s on s.id = wanted.id and s.retired_at is null
cross join lateral (
    select time, value, status, text
    from sample
    where series_id = wanted.id and time > wanted.after and time <= wanted.until
    order by time desc
    limit %(most)s
) x

-- name: select_live_missed
-- What was committed after one snapshot and before another: the writer's transaction tells, whatever the order of commits was.
with clock as (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as top),
missed as (
    select s.id, s.path, s.kind, x.time, x.value, x.status, x.text
    from series s
    join latest l on l.series_id = s.id and l.time > %(since)s
    cross join clock
    cross join lateral (
        select time, value, status, text
        from (
            select time, value, status, text, (top & ~4294967295::bigint) + xmin::text::bigint as writer
            from sample
            where series_id = s.id and time > %(since)s and time <= l.time
        ) recent
        where not pg_visible_in_snapshot(
            (case when writer > top then writer - 4294967296 else writer end)::text::xid8, %(seen)s::text::pg_snapshot
        )
          and pg_visible_in_snapshot(
            (case when writer > top then writer - 4294967296 else writer end)::text::xid8, %(begins)s::text::pg_snapshot
        )
        order by time
        limit %(most)s
    ) x
    where s.path collate "C" >= %(from_path)s
      and s.path collate "C" < %(to_path)s
      and s.path ~ %(pattern)s
      and s.retired_at is null
    limit %(most_of_all)s
)
select array_agg(id),
       array_agg(path),
       array_agg(kind),
       array_agg(time),
       array_agg(coalesce(value, 'NaN'::float8)),
       array_agg(status),
       array_agg(text)
from missed

-- name: select_live_changed
-- The same of some series, as far as it matters to what is calculated of them: since when they say something else.
with clock as (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as top)
select wanted.id, min(recent.time)
from clock
cross join unnest(%(series_ids)s::int4[]) as wanted (id)
cross join lateral (
    select time, (top & ~4294967295::bigint) + xmin::text::bigint as writer
    from sample
    where series_id = wanted.id and time > %(since)s
) recent
where not pg_visible_in_snapshot(
    (case when writer > top then writer - 4294967296 else writer end)::text::xid8, %(seen)s::text::pg_snapshot
)
  and pg_visible_in_snapshot(
    (case when writer > top then writer - 4294967296 else writer end)::text::xid8, %(begins)s::text::pg_snapshot
)
group by wanted.id
