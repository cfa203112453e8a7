-- Samples written by SQL of somebody's own are noticed: transactions of ours say that they tell what they write
-- (lock_closed), which costs a look at a setting a statement.
create table untold_write (
    at timestamptz not null
);

create function notice_untold() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    closed timestamptz;
begin
    select closed_until into closed from rollup_progress;
    if closed is null then
        return null;
    end if;
    -- A name that nobody holds: minutes from here on are read from the database when they are rolled.
    insert into rollup_write (from_at, to_at, handed)
    select closed, greatest(closed, now()) + interval '10 minutes', '00000000-0000-0000-0000-000000000000'
    where not exists (
        select from rollup_write
        where handed = '00000000-0000-0000-0000-000000000000' and to_at > now() + interval '9 minutes 30 seconds'
    );
    insert into untold_write
    select now() where not exists (select from untold_write where at > now() - interval '10 minutes');
    if current_setting('millstream.warned', true) is distinct from 'yes' then
        raise warning 'samples were changed by SQL: rollups may lack what is already rolled; alarms and calculations do not see it'
            using hint = 'Then run: millstream cloud rollups rebuild --path … --from … --to …';
        perform set_config('millstream.warned', 'yes', false);
    end if;
    return null;
end
$$;

create trigger sample_untold after insert or update or delete on sample
    for each statement
    when (current_setting('millstream.tells', true) is distinct from 'yes')
    execute function notice_untold();
