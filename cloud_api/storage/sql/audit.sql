-- Who did what.

-- name: insert_audit
insert into audit (principal, action, object, detail)
values (%(principal)s, %(action)s, %(object)s, %(detail)s::jsonb)

-- name: select_audit_page
select id, at, principal as who, action, object as subject, detail
from audit
where id < %(before_id)s
  and (%(who)s::text is null or principal = %(who)s)
  and (%(action)s::text is null or starts_with(action, %(action)s))
  and (%(subject)s::text is null or object = %(subject)s)
  and (%(from_at)s::timestamptz is null or at >= %(from_at)s)
  and (%(to_at)s::timestamptz is null or at < %(to_at)s)
order by id desc
limit %(limit)s
