-- Lists of alarms. The braces are filled with the fragments below, by their names.

-- name: select_alarm_page
select {columns}
from alarm a
where a.retired_at is null
  and {state}
  and (%(priorities)s::text[] is null or a.priority = any(%(priorities)s))
  and (%(positions)s::text[] is null or a.position = any(%(positions)s))
  and (%(from_path)s::text is null
       or a.instance collate "C" >= %(from_path)s and a.instance collate "C" < %(to_path)s
          and a.instance ~ %(pattern)s)
  and (%(words)s::text is null or a.instance ilike %(words)s or a.name ilike %(words)s
       or a.message_en ilike %(words)s or a.message_zh ilike %(words)s)
  and (%(before)s::timestamptz is null or a.annunciated_at < %(before)s)
  and {after}
order by {order}
limit %(limit)s

-- name: select_alarm_counts
-- Normal alarms, by far the most, are not looked at.
select count(*) filter (where {open}) as open,
       count(*) filter (where {active}) as active,
       count(*) filter (where {unacknowledged}) as unacknowledged,
       count(*) filter (where {returned}) as returned,
       count(*) filter (where {latched}) as latched,
       count(*) filter (where {shelved}) as shelved,
       count(*) filter (where {suppressed}) as suppressed,
       count(*) filter (where {out_of_service}) as out_of_service,
       count(*) as listed,
       count(*) filter (where {open} and a.priority = 'critical') as critical,
       count(*) filter (where {open} and a.priority = 'high') as high,
       count(*) filter (where {open} and a.priority = 'medium') as medium,
       count(*) filter (where {open} and a.priority = 'low') as low
from alarm a
where a.state <> 'normal' and a.retired_at is null
  and (%(priorities)s::text[] is null or a.priority = any(%(priorities)s))
  and (%(positions)s::text[] is null or a.position = any(%(positions)s))
  and (%(from_path)s::text is null
       or a.instance collate "C" >= %(from_path)s and a.instance collate "C" < %(to_path)s
          and a.instance ~ %(pattern)s)
  and (%(words)s::text is null or a.instance ilike %(words)s or a.name ilike %(words)s
       or a.message_en ilike %(words)s or a.message_zh ilike %(words)s)
  and (%(before)s::timestamptz is null or a.annunciated_at < %(before)s)

-- name: select_alarm
select {columns}
from alarm a
where a.id = %(alarm_id)s

-- name: filter_open
a.state in ('unacknowledged', 'acknowledged', 'returned', 'latched_unacknowledged', 'latched')

-- name: filter_active
a.state in ('unacknowledged', 'acknowledged')

-- name: filter_unacknowledged
a.state in ('unacknowledged', 'returned', 'latched_unacknowledged')

-- name: filter_returned
a.state = 'returned'

-- name: filter_latched
a.state in ('latched_unacknowledged', 'latched')

-- name: filter_shelved
-- The three that are set aside by their memories: one that is shelved and suppressed stands in both lists.
a.shelving <> 'unshelved' and a.state <> 'normal'

-- name: filter_suppressed
(a.suppressed_by is not null or a.maintenance_id is not null) and a.state <> 'normal'

-- name: filter_out_of_service
a.is_out_of_service and a.state <> 'normal'

-- name: filter_listed
a.state <> 'normal'

-- name: filter_all
true

-- name: order_priority
a.priority_rank, a.annunciated_at desc, a.id

-- name: order_newest
a.annunciated_at desc, a.id

-- name: order_oldest
a.annunciated_at, a.id

-- name: order_path
a.instance collate "C", a.id

-- name: after_start
true

-- name: after_priority
(a.priority_rank > %(rank)s or a.priority_rank = %(rank)s
  and (a.annunciated_at < %(annunciated_at)s or a.annunciated_at = %(annunciated_at)s and a.id > %(alarm_id)s))

-- name: after_newest
(a.annunciated_at < %(annunciated_at)s or a.annunciated_at = %(annunciated_at)s and a.id > %(alarm_id)s)

-- name: after_oldest
(a.annunciated_at, a.id) > (%(annunciated_at)s, %(alarm_id)s)

-- name: after_path
(a.instance collate "C", a.id) > (%(instance)s, %(alarm_id)s)

-- name: order_by_column
{key} nulls last, a.annunciated_at desc, a.id

-- name: order_by_column_down
{key} desc nulls last, a.annunciated_at desc, a.id

-- name: after_column
({key} > %(key)s::{kind} or {key} is null or {key} = %(key)s::{kind}
  and (a.annunciated_at < %(annunciated_at)s or a.annunciated_at = %(annunciated_at)s and a.id > %(alarm_id)s))

-- name: after_column_down
({key} < %(key)s::{kind} or {key} is null or {key} = %(key)s::{kind}
  and (a.annunciated_at < %(annunciated_at)s or a.annunciated_at = %(annunciated_at)s and a.id > %(alarm_id)s))

-- name: after_column_empty
({key} is null
  and (a.annunciated_at < %(annunciated_at)s or a.annunciated_at = %(annunciated_at)s and a.id > %(alarm_id)s))

-- name: key_priority
a.priority_rank

-- name: key_path
a.instance collate "C"

-- name: key_state
(array_position(array['unacknowledged', 'latched_unacknowledged', 'returned', 'acknowledged', 'latched', 'shelved',
                     'suppressed', 'out_of_service', 'normal'], a.state) - 1)

-- name: key_class
a.alarm_class collate "C"

-- name: key_value
-- What is no number, or beyond all of them, has no place among them.
(case when a.value > '-Infinity' and a.value < 'Infinity' then a.value end)

-- name: key_raised
a.raised_at

-- name: key_count
a.raise_count
