-- Readers of shares, too, read raw samples for as long as they are there.
create or replace view shared.rollup_progress with (security_barrier) as
    select closed_until, marked_until, raw_kept_from, rollup_1m_kept_from, rollup_15m_kept_from, raw_drop_until
    from rollup_progress
    where exists (select from shared.this_share);
