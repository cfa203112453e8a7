-- The proof of delivery: which batch numbers belong to a window, and what became of them.

-- name: select_delivery
-- An epoch's batches were made after the epoch before it was heard last. The last mark before the window says which
-- number it begins behind; the first mark that is surely behind the window says with which one it ends.
with epochs as (
    select agent, epoch, stored, rejected, lost, stored + rejected + lost as settled,
           lag(updated_at) over (order by created_at, epoch) as heard_before_at, updated_at
    from ledger
    where agent = %(agent)s
),
bounded as (
    select epochs.*,
           coalesce((
               select mark.seq from ledger_mark mark
               where mark.agent = epochs.agent and mark.epoch = epochs.epoch and mark.at <= %(from_at)s
               order by mark.at desc limit 1
           ), 0) + 1 as first_seq,
           coalesce((
               select mark.seq from ledger_mark mark
               where mark.agent = epochs.agent and mark.epoch = epochs.epoch
                 and mark.at >= %(to_at)s + %(slack)s::interval
               order by mark.at limit 1
           ), upper(settled) - 1) as last_seq
    from epochs
    where updated_at >= %(from_at)s and (heard_before_at is null or heard_before_at < %(to_at)s)
      and not isempty(settled)
),
wanted as (
    select bounded.*, int8multirange(int8range(first_seq, greatest(last_seq + 1, first_seq))) as numbers from bounded
)
select epoch, first_seq, last_seq, heard_before_at, updated_at,
       (select coalesce(sum(upper(r) - lower(r)), 0)::int8 from unnest(stored * numbers) r) as stored,
       (select coalesce(sum(upper(r) - lower(r)), 0)::int8 from unnest(rejected * numbers) r) as rejected,
       (select coalesce(sum(upper(r) - lower(r)), 0)::int8 from unnest(lost * numbers) r) as lost,
       (numbers - settled)::text as open
from wanted
where first_seq <= last_seq
order by updated_at

-- name: select_delivery_state
-- The least that is delivered of all devices that it has now, and what the agent said last of its outbox.
select agent.id, agent.state, agent.state_at, agent.health_at,
       coalesce((agent.health->>'backlog_batches')::int8, 0) as backlog_batches,
       agent.health->>'oldest_at' as oldest_at,
       (
           select min(until_at) from agent_until u
           where u.agent = agent.id
             and (agent.health->'devices' is null
                  or agent.health->'devices' @> jsonb_build_array(jsonb_build_object('name', u.device)))
       ) as known_until_at
from agent
where agent.id = %(agent)s
