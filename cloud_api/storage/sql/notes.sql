-- Notes: what people write about a stretch of a series or of an asset.

-- name: select_notes
select n.id, coalesce(s.path, a.path) as path, n.series_id is not null as is_series,
       n.from_at, n.to_at, n.text, n.who, n.created_at
from note n
left join series s on s.id = n.series_id
left join asset a on a.id = n.asset_id
where n.id < %(before_id)s
  and (%(about)s::text is null or s.path = %(about)s or a.path = %(about)s
       or starts_with(%(about)s, a.path || '/'))
  and (%(from_at)s::timestamptz is null or n.to_at >= %(from_at)s)
  and (%(to_at)s::timestamptz is null or n.from_at < %(to_at)s)
order by n.id desc
limit %(limit)s

-- name: select_written_note
select n.id, coalesce(s.path, a.path) as path, n.series_id is not null as is_series,
       n.from_at, n.to_at, n.text, n.who, n.created_at
from note n
left join series s on s.id = n.series_id
left join asset a on a.id = n.asset_id
where n.id = %(note_id)s

-- name: insert_note
insert into note (series_id, asset_id, from_at, to_at, text, who)
select s.id, case when s.id is null then a.id end, %(from_at)s, %(to_at)s, %(text)s, %(who)s
from (select) one
left join series s on s.path = %(path)s
left join asset a on a.path = %(path)s
where s.id is not null or a.id is not null
returning id

-- name: delete_note
delete from note where id = %(note_id)s
