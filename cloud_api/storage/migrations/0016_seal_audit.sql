-- Who did what becomes a chain: numbered without holes and hashed after COMMIT by one sealer, as the journal of alarms is.
-- `detail` is json, not jsonb, so that its text is what was hashed.
alter table audit drop column request_id;
alter table audit alter column detail type json using detail::json;
alter table audit add column outcome text not null default 'done';
alter table audit add column address text;
alter table audit add column via text;
alter table audit add column number bigint;
alter table audit add column hash bytea;
alter table audit add constraint audit_outcome_check check (outcome in ('done', 'refused', 'failed'));
alter table audit add constraint audit_seal_check check ((number is null) = (hash is null));
create unique index audit_number on audit (number);
create index audit_unsealed on audit (id) where number is null;
create index audit_by_object on audit (object, id);

-- The end of the chain, kept apart from it; and where the rows end that were let go because they were old enough. Each such
-- step is a row of the chain itself (audit.prune), so that nobody can let rows go unseen.
create table audit_head (
    is_only         boolean primary key default true,
    number          bigint not null default 0,
    hash            bytea not null default '',
    pruned_number   bigint not null default 0,
    pruned_hash     bytea not null default '',
    pruned_at       timestamptz,
    constraint audit_head_check check (is_only)
);
insert into audit_head default values;

-- Six months are the least, whatever a service is told: a younger row is let go by nobody.
create function refuse_audit_change() returns trigger language plpgsql as $body$
declare
    unsealed audit;
begin
    if tg_op = 'INSERT' then
        if new.number is null then
            return new;
        end if;
    elsif tg_op = 'UPDATE' then
        unsealed := new;
        unsealed.number := null;
        unsealed.hash := null;
        if old.number is null and new.number is not null and unsealed::text = old::text then
            return new;
        end if;
    elsif tg_op = 'DELETE' then
        if old.at < now() - interval '180 days' and old.number <= (select pruned_number from audit_head) then
            return old;
        end if;
    end if;
    raise exception 'audit is append-only' using errcode = 'insufficient_privilege';
end
$body$;
create trigger audit_append_only before insert or update or delete on audit
    for each row execute function refuse_audit_change();
create trigger audit_keep before truncate on audit
    for each statement execute function refuse_audit_change();

-- How far sealed rows were sent to other systems.
create table audit_forward (
    target      text primary key,
    number      bigint not null default 0,
    sent_at     timestamptz,
    failure     text
);

insert into lease (name) values ('audit');
