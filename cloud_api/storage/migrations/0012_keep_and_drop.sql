-- Between `raw_kept_from`, before which ingest refuses, and `raw_drop_until` samples may still wait to be rolled.
alter table rollup_progress add column raw_drop_until timestamptz not null default '-infinity';

-- How large the database was, what was free beside it, and when that would be full at the pace of the last days.
create table disk_usage (
    at              timestamptz primary key,
    database_bytes  bigint not null,
    free_bytes      bigint,
    days_to_full    double precision
);

-- The retention policy of TimescaleDB: a job that drops what the role `rollups` has said may go, and nothing else.
do $$
begin
    if exists (select from pg_extension where extname = 'timescaledb') then
        execute $statement$
            create procedure drop_rolled_chunks(job_id integer, config jsonb) language plpgsql as $body$
            declare
                edges rollup_progress;
            begin
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
        perform add_job('drop_rolled_chunks', interval '1 hour');
    end if;
end
$$;
