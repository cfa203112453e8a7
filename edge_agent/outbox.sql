-- The outbox: what was measured and is not yet acknowledged. One file, one writer.

-- name: create_batch
create table if not exists batch (
    id integer primary key autoincrement,
    epoch blob not null,
    seq integer not null,
    payload blob not null,
    dictionary blob,
    from_us integer not null,
    to_us integer not null,
    created_us integer not null,
    unique (epoch, seq)
);

-- name: create_batch_created
create index if not exists batch_created on batch (created_us);

-- name: create_progress
create table if not exists progress (
    device text primary key,
    until_us integer not null
) without rowid;

-- name: create_gap
create table if not exists gap (
    id integer primary key,
    from_us integer not null,
    to_us integer not null,
    reason text not null,
    device text,
    epoch blob,
    first_seq integer,
    last_seq integer,
    carrier_epoch blob,
    carrier_seq integer
);

-- name: create_dictionary
create table if not exists dictionary (
    hash blob primary key,
    tags blob not null,
    is_known integer not null default 0
) without rowid;

-- name: create_note
create table if not exists note (
    name text primary key,
    value text not null
) without rowid;

-- name: insert_batch
insert into batch (epoch, seq, payload, dictionary, from_us, to_us, created_us)
values (:epoch, :seq, :payload, :dictionary, :from_us, :to_us, :created_us);

-- name: update_payload
update batch set payload = :payload, dictionary = :dictionary where epoch = :epoch and seq = :seq;

-- name: select_batches
select id, epoch, seq, created_us, payload, dictionary
from batch
where id > :after and id <= :through
order by id
limit :count;

-- name: select_batch
select id, epoch, seq, created_us, payload, dictionary from batch where epoch = :epoch and seq = :seq;

-- name: select_oldest
select id, epoch, seq, length(payload), from_us, to_us, created_us from batch order by id limit 1;

-- name: select_boundary
select coalesce(max(id), 0) from batch where created_us <= :created_us;

-- name: select_totals
select count(*), coalesce(sum(length(payload)), 0) from batch;

-- name: delete_batch
delete from batch where id = :id;

-- name: select_confirmed
select count(*), coalesce(sum(length(payload)), 0) from batch where epoch = :epoch and seq between :first and :last;

-- name: delete_confirmed
delete from batch where epoch = :epoch and seq between :first and :last;

-- name: upsert_progress
insert into progress (device, until_us) values (?, ?)
on conflict (device) do update set until_us = max(until_us, excluded.until_us);

-- name: select_progress
select device, until_us from progress;

-- name: insert_gap
insert into gap (from_us, to_us, reason, device, epoch, first_seq, last_seq, carrier_epoch, carrier_seq)
values (:from_us, :to_us, :reason, :device, :epoch, :first_seq, :last_seq, :carrier_epoch, :carrier_seq);

-- name: extend_gap
update gap
set last_seq = :seq, from_us = min(from_us, :from_us), to_us = max(to_us, :to_us)
where carrier_seq is null and reason = :reason and epoch = :epoch and last_seq = :seq - 1;

-- name: select_waiting_gaps
select id, from_us, to_us, reason, device, epoch, first_seq, last_seq
from gap
where carrier_seq is null and reason <> :held_back
order by id
limit :count;

-- name: delete_gap
delete from gap where id = :id;

-- name: release_gaps
update gap set carrier_epoch = null, carrier_seq = null where carrier_epoch = :epoch and carrier_seq = :seq;

-- name: delete_carried_gaps
delete from gap where carrier_epoch = :epoch and carrier_seq between :first and :last;

-- name: insert_dictionary
insert into dictionary (hash, tags, is_known) values (:hash, :tags, :is_known) on conflict (hash) do nothing;

-- name: update_dictionary
update dictionary set is_known = :is_known where hash = :hash;

-- name: select_dictionary
select tags from dictionary where hash = :hash;

-- name: select_known_dictionaries
select hash from dictionary where is_known;

-- name: delete_unused_dictionaries
delete from dictionary
where not is_known and not exists (select 1 from batch where batch.dictionary = dictionary.hash);

-- name: upsert_note
insert into note (name, value) values (:name, :value) on conflict (name) do update set value = excluded.value;

-- name: select_note
select value from note where name = :name;

-- name: salvage_span
select min(id), max(id) from batch;

-- name: salvage_batch
select epoch, seq, payload, from_us, to_us, dictionary, created_us, id
from batch
where id > :after and id <= :through
order by id
limit 1;

-- name: salvage_progress
select device, until_us from progress;

-- name: salvage_gaps
select from_us, to_us, reason, device, epoch, first_seq, last_seq from gap;

-- name: salvage_dictionaries
select hash, tags, is_known from dictionary;
