"""From changes of a condition to the transitions that operators are told: words filled in, instants made (pure)."""

from collections.abc import Iterable
from uuid import UUID

from cloud_api.alarms.evaluation.engine import Change, ChangeKind
from cloud_api.alarms.evaluation.plan import Kind, LevelPlan, Plan
from cloud_api.alarms.evaluation.wording import fill, shown
from cloud_api.alarms.transitions import AlarmRules, Place, Transition, TransitionKind
from cloud_api.storage.instants import at_us

KINDS = {
    ChangeKind.RAISE: TransitionKind.RAISE,
    ChangeKind.CLEAR: TransitionKind.CLEAR,
    ChangeKind.LEVEL: TransitionKind.LEVEL,
}


def transitions_of(plan: Plan, changes: Iterable[Change]) -> list[Transition]:
    """Tell what happened at one place."""
    return [_transition(plan, change) for change in changes]


def suppression_of(plan: Plan, at: int, rule: str | None) -> Transition:
    """Tell that a design rule suppresses the place from now on, or that none does any more (None)."""
    kind = TransitionKind.UNSUPPRESS if rule is None else TransitionKind.SUPPRESS
    level = plan.levels[-1]
    return Transition(
        definition_id=UUID(plan.definition_id),
        definition_version=plan.version,
        instance=plan.instance,
        series_id=plan.series_id,
        kind=kind,
        at=at_us(at),
        level=None,
        priority=level.priority,
        value=None,
        status=0,
        limit=None,
        message_en=_message(plan, level, level.message_en, None, "en"),
        message_zh=_message(plan, level, level.message_zh, None, "zh"),
        is_late=False,
        note=rule,
        rules=rules_of(plan),
    )


def place_of(plan: Plan) -> Place:
    """Name the place with what its definition says of it."""
    priority = plan.levels[-1].priority
    return Place(UUID(plan.definition_id), plan.version, plan.instance, plan.series_id, priority, rules_of(plan))


def rules_of(plan: Plan) -> AlarmRules:
    """Give what the definition says of the alarm as such."""
    rules = plan.rules
    return AlarmRules(
        name=plan.name,
        condition=plan.kind.value,
        alarm_class=rules.alarm_class,
        position=rules.position,
        is_latching=rules.is_latching,
        is_auto_acknowledged=rules.is_auto_acknowledged,
        max_shelved_s=rules.max_shelved_s,
    )


def _transition(plan: Plan, change: Change) -> Transition:
    level = plan.levels[change.level]
    return Transition(
        definition_id=UUID(plan.definition_id),
        definition_version=plan.version,
        instance=plan.instance,
        series_id=plan.series_id,
        kind=KINDS[change.kind],
        at=at_us(change.at_us),
        level=level.name,
        priority=level.priority,
        value=change.value,
        status=change.status,
        limit=level.limit if level.name is not None else None,
        message_en=_message(plan, level, level.message_en, _shown_value(change), "en"),
        message_zh=_message(plan, level, level.message_zh, _shown_value(change), "zh"),
        is_late=change.is_late,
        note=change.note,
        rules=rules_of(plan),
    )


def _shown_value(change: Change) -> float | str | None:
    return change.value if change.text is None else change.text


def _message(plan: Plan, level: LevelPlan, template: str, value: float | str | None, language: str) -> str:
    state = shown(value)
    words: dict[str, str | float | None] = {
        **plan.words,
        "value": value,
        "limit": level.limit if level.name is not None else None,
        "path": plan.instance,
        "tag": plan.instance.rpartition("/")[2],
        "name": plan.name,
        "level": level.name or "",
        "unit": plan.unit or "",
        "label": plan.labels.get(f"{state}.{language}", state) if plan.kind is Kind.DISCRETE else state,
    }
    return fill(template, words)
