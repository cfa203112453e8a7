-- What the journal says of alarms that a replay is held against.

-- name: select_journal_episodes
-- Late rows too: they tell what was true, though nobody was told.
select path, event, at
from alarm_journal
where definition_id = %(definition_id)s and at >= %(from_at)s and at < %(to_at)s and event in ('raise', 'clear')
order by path, at, id
limit %(limit)s
