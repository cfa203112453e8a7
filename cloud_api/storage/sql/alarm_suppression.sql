-- What may be suppressed by design, and what is.

-- name: select_suppressible_plans
select definition_id, instance, plan::text
from alarm_instance
where not is_removed and plan is not null and plan ? 'suppression'

-- name: select_alarm_suppressions
select definition_id, instance, is_active, is_acknowledged, raised_at, suppressed_by
from alarm
where definition_id = any(%(ids)s::uuid[]) and retired_at is null
