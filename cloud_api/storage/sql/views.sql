-- What people have chosen for themselves in the console, by name.

-- name: select_views
select name, content, changed_at
from person_view
where principal_id = %(user_id)s and starts_with(name, %(prefix)s)
order by name

-- name: upsert_view
-- Nothing is returned when the person has as many views as one may have.
insert into person_view (principal_id, name, content)
select %(user_id)s, %(name)s, %(content)s::jsonb
where (select count(*) from person_view where principal_id = %(user_id)s and name <> %(name)s) < %(most)s
on conflict (principal_id, name) do update set content = excluded.content, changed_at = now()
returning name, content, changed_at

-- name: delete_view
delete from person_view where principal_id = %(user_id)s and name = %(name)s
