-- The retention policy of TimescaleDB: a job that drops what the role `rollups` has said may go, and nothing else.
do $$
begin
    if exists (select from pg_extension where extname = 'timescaledb') then
        execute $statement$
            create or replace procedure drop_rolled_chunks(job_id integer, config jsonb) language plpgsql as $body$
            declare
                edges rollup_progress;
            begin
                -- Who lets edges go back waits for this to end, and this for him.
                perform pg_advisory_xact_lock(7260202, 17);
                select * into strict edges from rollup_progress;
                if isfinite(edges.raw_drop_until) then
                    perform drop_chunks('sample', older_than => edges.raw_drop_until);
                end if;
                if isfinite(edges.rollup_1m_kept_from) then
                    perform drop_chunks('rollup_1m', older_than => edges.rollup_1m_kept_from);
                end if;
                if isfinite(edges.rollup_15m_kept_from) then
                    perform drop_chunks('rollup_15m', older_than => edges.rollup_15m_kept_from);
                end if;
            end
            $body$
        $statement$;
    end if;
end
$$;
