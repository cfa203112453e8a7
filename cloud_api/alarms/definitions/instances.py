"""Instances kept as the definitions want them: made, changed and removed in the transaction that changed anything.

Whoever calls holds the generation: no evaluation is under way, and the next one sees what is written here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import msgspec

from cloud_api.alarms.definitions.models import Definition
from cloud_api.alarms.definitions.places import Ground, TemplateAsset
from cloud_api.alarms.definitions.resolving import PlaceUnfit, Resolver
from cloud_api.alarms.evaluation.adapting import adapt, begin
from cloud_api.alarms.evaluation.engine import Advance
from cloud_api.alarms.evaluation.plan import OWNERS, Kind, Owner, Plan
from cloud_api.alarms.evaluation.roster import decode_plan, decode_state, state_row
from cloud_api.alarms.evaluation.state import Reading, State
from cloud_api.alarms.evaluation.telling import place_of, transitions_of
from cloud_api.alarms.transitions import apply_transitions, ensure_alarms, retire_alarms
from cloud_api.storage.alarm_instances import (
    InstanceRow,
    delete_alarm_states,
    select_alarm_instances,
    select_alarm_latest,
    select_alarm_series,
    select_alarm_states,
    select_template_assets,
    upsert_alarm_instances,
    upsert_alarm_states,
)
from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection


@dataclass(frozen=True, slots=True)
class Wanted:
    """A definition as it is in force; None in place of a document: not any more."""

    id: UUID
    version: int
    definition: Definition | None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something, and when."""

    who: str
    now_us: int


@dataclass(slots=True)
class Changes:
    """What differs between the instances there are and those that are wanted."""

    rows: list[InstanceRow] = field(default_factory=list[InstanceRow])
    series_ids: list[int | None] = field(default_factory=list[int | None])
    begun: list[Plan] = field(default_factory=list[Plan])
    adapted: list[tuple[Plan, Plan]] = field(default_factory=list[tuple[Plan, Plan]])
    ended: dict[UUID, list[str]] = field(default_factory=dict[UUID, list[str]])


async def read_ground(connection: Connection) -> Ground:
    """Read all series and template assets."""
    series = await select_alarm_series(connection)
    assets = [TemplateAsset(*row) for row in await select_template_assets(connection)]
    return Ground(series, assets)


async def reconcile(
    connection: Connection, wanted: Sequence[Wanted], ground: Ground, generation: int, by: Actor
) -> Changes:
    """Make the instances of these definitions what they should be, and evaluate what is new or changed."""
    existing = await select_alarm_instances(connection, [each.id for each in wanted])
    changes = compare(wanted, existing, ground)
    if changes.rows:
        await upsert_alarm_instances(connection, changes.rows, changes.series_ids, generation)
        await _carry_over(connection, changes, generation, by)
    return changes


def compare(wanted: Sequence[Wanted], existing: Iterable[InstanceRow], ground: Ground) -> Changes:
    """Find what differs (no database needed)."""
    known = {(row.definition_id, row.instance): row for row in existing}
    changes = Changes()
    for each in wanted:
        rows = instances_of(each, ground) if each.definition is not None else []
        for row, plan in rows:
            _compare_one(known.pop((row.definition_id, row.instance), None), row, plan, changes)
    for key, row in known.items():
        if not row.is_removed:
            changes.rows.append(replace(row, plan=None, problem=None, is_removed=True))
            changes.series_ids.append(None)
            changes.ended.setdefault(key[0], []).append(key[1])
    return changes


def instances_of(wanted: Wanted, ground: Ground) -> list[tuple[InstanceRow, Plan | None]]:
    """Resolve a definition at all its places; a place that cannot be is there with its problem."""
    definition = wanted.definition
    if definition is None:
        return []
    resolver = Resolver(definition, str(wanted.id), wanted.version)
    rows: list[tuple[InstanceRow, Plan | None]] = []
    for place in ground.places(definition):
        source = ground.by_path.get(place.path)
        agent, device = (None, None) if source is None else (source.source_agent, source.device)
        try:
            plan = resolver.resolve(place, ground.ids)
            text, problem = None if plan is None else msgspec.json.encode(plan).decode(), None
        except PlaceUnfit as unfit:
            plan, text, problem = None, None, str(unfit)
        owner = OWNERS[Kind(definition.condition.kind)] if plan is None else plan.owner
        if text is None and problem is None:
            continue
        row = InstanceRow(
            wanted.id, place.path, wanted.version, owner.value, agent, device, text, problem, is_removed=False
        )
        rows.append((row, plan))
    return rows


def _compare_one(old: InstanceRow | None, new: InstanceRow, plan: Plan | None, changes: Changes) -> None:
    old_plan = None if old is None or old.plan is None or old.is_removed else decode_plan(old.plan)
    is_same = old is not None and not old.is_removed and old_plan == plan
    if is_same and old is not None and (old.problem, old.agent, old.device) == (new.problem, new.agent, new.device):
        return
    changes.rows.append(new)
    changes.series_ids.append(None if plan is None else plan.series_id)
    if plan is not None and old_plan is None:
        changes.begun.append(plan)
    elif plan is not None and old_plan is not None and old_plan != plan:
        changes.adapted.append((old_plan, plan))
    elif plan is None and old_plan is not None:
        changes.ended.setdefault(new.definition_id, []).append(new.instance)


async def _carry_over(connection: Connection, changes: Changes, generation: int, by: Actor) -> None:
    """Begin, adapt and end evaluation; operators are told in the same transaction."""
    now = at_us(by.now_us)
    gone = [(definition_id, instance) for definition_id, ended in changes.ended.items() for instance in ended]
    gone += [(UUID(plan.definition_id), plan.instance) for plan in changes.begun]
    await delete_alarm_states(connection, gone)
    for definition_id, ended in changes.ended.items():
        await retire_alarms(connection, definition_id, ended, now, by.who)
    plans = [*changes.begun, *(plan for _, plan in changes.adapted)]
    await ensure_alarms(connection, [place_of(plan) for plan in plans], now)
    advanced = [*await _begun(connection, changes.begun), *await _adapted(connection, changes.adapted, by.now_us)]
    rows = [state_row(plan, advance.state) for plan, advance in advanced]
    await upsert_alarm_states(connection, rows, generation)
    told = [each for plan, advance in advanced for each in transitions_of(plan, advance.changes)]
    await apply_transitions(connection, told, now)


async def _begun(connection: Connection, plans: Sequence[Plan]) -> list[tuple[Plan, Advance]]:
    """Evaluate what is new and ingest's with the newest sample; the leader begins what is its own by itself."""
    own = [plan for plan in plans if plan.owner is Owner.INGEST and plan.series_id is not None]
    if not own:
        return []
    newest = await select_alarm_latest(connection, [plan.series_id for plan in own if plan.series_id is not None])
    found: list[tuple[Plan, Advance]] = []
    for plan in own:
        row = newest.get(plan.series_id or 0)
        if row is not None:
            found.append((plan, begin(plan, Reading(row.time_us, row.value, row.status, row.text), None)))
    return found


async def _adapted(
    connection: Connection, pairs: Sequence[tuple[Plan, Plan]], now_us: int
) -> list[tuple[Plan, Advance]]:
    keys = [(UUID(plan.definition_id), plan.instance) for _, plan in pairs]
    states = {(row.definition_id, row.instance): row.state for row in await select_alarm_states(connection, keys)}
    ids = [plan.series_id for _, plan in pairs if plan.series_id is not None and plan.owner is Owner.INGEST]
    newest = await select_alarm_latest(connection, ids)
    found: list[tuple[Plan, Advance]] = []
    for (old, plan), key in zip(pairs, keys, strict=True):
        row = newest.get(plan.series_id or 0)
        state = decode_state(states[key]) if key in states else State()
        if row is not None and plan.owner is Owner.INGEST:
            # What was quiet since is not written down: the newest sample is.
            state.time_us, state.status = row.time_us, row.status
            if row.status < 0x8000_0000:
                state.value, state.text = row.value, row.text
        found.append((plan, adapt(old, plan, state, now_us)))
    return found
