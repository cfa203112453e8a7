-- Who did what.

-- name: insert_audit
insert into audit (principal, action, object, detail)
values (%(principal)s, %(action)s, %(object)s, %(detail)s::jsonb)
