-- A calculation that another one reads is named in it: it has to be in reach as every input has.
create or replace function is_calculation_in_reach(wanted integer) returns boolean language sql stable security definer
    set search_path = public
    begin atomic
        with recursive named (series_id) as (
            select each.value::int4
            from calculation c
            cross join lateral jsonb_each_text(c.names) each
            where c.series_id = wanted
            union
            select each.value::int4
            from named n
            join calculation c on c.series_id = n.series_id and c.mode = 'on_the_fly'
            cross join lateral jsonb_each_text(c.names) each
        )
        select not exists (
            select from named n join series s on s.id = n.series_id where not in_reach(s.path)
        );
    end;
