-- What is missing and what was put aside, newest first.

-- name: select_gap_page
select g.id, g.agent, g.device, g.paths, g.from_at, g.to_at, g.reason,
       g.epoch, lower(g.batches) as first_batch, upper(g.batches) - 1 as last_batch, g.recorded_at
from gap g
where g.id < %(before_id)s
  and (%(agent)s::text is null or g.agent = %(agent)s)
  and (%(device)s::text is null or g.device = %(device)s)
  and (%(reason)s::text is null or g.reason = %(reason)s)
  and (%(from_at)s::timestamptz is null or g.to_at > %(from_at)s)
  and (%(to_at)s::timestamptz is null or g.from_at < %(to_at)s)
  and (%(asset)s::text is null
       or exists (
           select from series s
           where s.path collate "C" >= %(asset)s || '/' and s.path collate "C" < %(asset)s || '0'
             and s.source_agent = g.agent
             and (g.device is null or g.device = s.device)
             and (g.paths is null or s.source_path = any(g.paths))
       ))
order by g.id desc
limit %(limit)s

-- name: select_reject_page
select id, received_at, last_received_at, occurrences, topic, agent, epoch, seq::text as seq, path, reason, detail,
       form, sample_count, first_at, last_at, payload_bytes, replayed_at, replayed_by
from reject
where id < %(before_id)s
  and (%(agent)s::text is null or agent = %(agent)s)
  and (%(reason)s::text is null or reason = %(reason)s)
  and (not %(only_open)s or replayed_at is null)
order by id desc
limit %(limit)s

-- name: select_reject_entry
select id, received_at, last_received_at, occurrences, topic, agent, epoch, seq::text as seq, path, reason, detail,
       form, sample_count, first_at, last_at, payload_bytes, replayed_at, replayed_by
from reject
where id = %(reject_id)s
