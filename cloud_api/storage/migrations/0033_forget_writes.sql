-- What was told of samples above the watermark and ended before this may be forgotten: minutes that begin before it are
-- read from the database. Who forgets moves it, in the same transaction.
alter table rollup_progress add column told_from timestamptz not null default '-infinity';
