-- Mergeable partials of every minute and quarter of an hour, the rows that were replaced, and how a series is aggregated.
do $$
declare
    has_timescale boolean := exists (select from pg_extension where extname = 'timescaledb');
    resolution text;
    days integer;
begin
    -- Null is the simple case: storage/rollup_wire.py has the rule of each column. Offsets and lengths are microseconds.
    for resolution, days in values ('1m', 7), ('15m', 91) loop
        execute format($table$
            create table %1$I (
            bucket          timestamptz not null,
            valid_from      timestamptz not null,
            first_value     double precision,
            last_value      double precision,
            front_value     double precision,
            back_value      double precision,
            previous_value  double precision,
            mean_offset     double precision,
            m2              double precision,
            low             double precision,
            high            double precision,
            step_area       double precision,
            line_area       double precision,
            span_step_area  double precision,
            span_line_area  double precision,
            rise            double precision,
            fall_sum        double precision,
            fall_least      double precision,
            fall_most       double precision,
            fall_later      double precision,
            total           integer not null,
            accepted        integer,
            uncertain       integer,
            first_at        integer not null,
            last_at         integer,
            first_status    integer,
            last_status     integer,
            worst_status    integer,
            front_status    integer,
            back_status     integer,
            front_at        integer,
            back_at         integer,
            previous_at     integer,
            low_at          integer,
            high_at         integer,
            held_us         integer,
            held_good_us    integer,
            good_us         integer,
            zero_us         integer,
            transitions     integer,
            fall_count      integer,
            worst_differs   boolean,
            low_repeated    boolean,
            high_repeated   boolean,
            skips           boolean,
            series_id       integer not null,
            with_uncertain  boolean not null,
            state           "char" not null,
            first_text      text,
            last_text       text,
            low_text        text,
            high_text       text,
            falls           double precision[],
            constraint %2$I primary key (series_id, bucket, with_uncertain),
            constraint %3$I check (state in ('o', 'f', 'r'))
            )
        $table$ || case when has_timescale then '' else ' partition by range (bucket)' end,
            'rollup_' || resolution, 'rollup_' || resolution || '_pkey', 'rollup_' || resolution || '_state_check');
        execute format(
            'create table %1$I (like %2$I, valid_to timestamptz not null,'
            ' constraint %3$I primary key (series_id, bucket, with_uncertain, valid_to))',
            'rollup_' || resolution || '_revision', 'rollup_' || resolution, 'rollup_' || resolution || '_revision_pkey');
        if has_timescale then
            perform create_hypertable('rollup_' || resolution, 'bucket',
                chunk_time_interval => make_interval(days => days), create_default_indexes => false);
            execute format($settings$
                alter table %I set (
                    timescaledb.compress,
                    timescaledb.compress_segmentby = 'series_id',
                    timescaledb.compress_orderby = 'bucket desc, with_uncertain'
                )
            $settings$, 'rollup_' || resolution);
            perform add_compression_policy('rollup_' || resolution, compress_after => make_interval(days => 2 * days));
        end if;
    end loop;
end
$$;

alter table series
    add column stepped boolean,
    add column treat_uncertain_as_bad boolean,
    add column percent_data_good smallint,
    add column percent_data_bad smallint,
    add column sloped_extrapolation boolean,
    add column counter_rollover double precision;
