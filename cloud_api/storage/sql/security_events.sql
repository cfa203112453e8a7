-- Security events: what was seen, until it is quiet again; and from where keys are used.

-- name: upsert_security_event
-- Of each kind so many subjects have a row of their own; what comes on top is one row.
insert into security_event (kind, subject, count, detail, seen_at)
select %(kind)s,
       case when (select count(*) from security_event e where e.kind = %(kind)s) < %(most)s
                 or exists (select from security_event e where e.kind = %(kind)s and e.subject = %(subject)s)
            then %(subject)s else %(others)s end,
       %(count)s, %(detail)s, now()
on conflict (kind, subject) do update
set count = security_event.count + excluded.count, detail = excluded.detail, seen_at = excluded.seen_at

-- name: select_security_events_new
select kind, subject, count, detail, seen_at from security_event where raised_at is null order by kind, subject for update

-- name: update_security_events_raised
update security_event set raised_at = now() where raised_at is null

-- name: delete_security_events_quiet
delete from security_event
where raised_at is not null and seen_at < now() - %(quiet)s
returning kind, subject, count, detail, seen_at

-- name: select_security_event_counts
select kind, count(*) from security_event group by kind

-- name: upsert_api_key_address
-- Whether the key was never used from here before, and whether it was used from elsewhere.
with known as (select count(*) as elsewhere from api_key_address where prefix = %(prefix)s and address <> %(address)s),
     put as (
         insert into api_key_address (prefix, address) values (%(prefix)s, %(address)s)
         on conflict (prefix, address) do update set seen_at = now()
         returning first_at = seen_at as is_new
     )
select put.is_new, known.elsewhere > 0 from put, known

-- name: delete_api_key_addresses_old
delete from api_key_address where seen_at < now() - interval '90 days'
