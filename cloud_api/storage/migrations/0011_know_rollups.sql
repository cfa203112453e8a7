-- What was known at a time: rows as they stand, and those that they replaced.
create view rollup_1m_known as
select *, 'infinity'::timestamptz as valid_to from rollup_1m
union all
select * from rollup_1m_revision;

create view rollup_15m_known as
select *, 'infinity'::timestamptz as valid_to from rollup_15m
union all
select * from rollup_15m_revision;
