"""The verbs on alarm definitions: create, replace, delete, apply a set; audited, versioned, in force at once."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from cloud_api.alarms.definitions.instances import Actor, Changes, Wanted, read_ground, reconcile
from cloud_api.alarms.definitions.instances import compare as compare_instances
from cloud_api.alarms.definitions.models import Definition
from cloud_api.problems import FieldProblem, Kinds, Problem, body_invalid, not_found
from cloud_api.storage.alarm_definitions import (
    DefinitionRow,
    NewDefinition,
    insert_alarm_definitions,
    select_alarm_definition,
    select_alarm_definitions,
    select_alarm_definitions_named,
    update_alarm_definitions,
    update_alarm_definitions_deleted,
)
from cloud_api.storage.alarm_instances import select_alarm_instances, update_alarm_generation
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.pool import Connection


@dataclass(frozen=True, slots=True)
class Stored:
    """One definition as it is in force."""

    row: DefinitionRow
    definition: Definition


@dataclass(slots=True)
class Difference:
    """What applying a set of definitions changes, by name; members that differ with old and new value."""

    created: list[str] = field(default_factory=list[str])
    changed: dict[str, dict[str, tuple[Any, Any]]] = field(default_factory=dict[str, dict[str, tuple[Any, Any]]])
    deleted: list[str] = field(default_factory=list[str])
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether everything is as it is wanted."""
        return not (self.created or self.changed or self.deleted)


async def create(connection: Connection, definition: Definition, by: Actor) -> Stored:
    """Make a definition; a Problem when its name is taken."""
    await _check_names(connection, [definition.name], None)
    new = _new(uuid.uuid4(), definition)
    generation = await update_alarm_generation(connection)
    await insert_alarm_definitions(connection, [new], by.who)
    await insert_audit(connection, by.who, "alarm_definition.create", definition.name, {"id": new.id})
    return await _put_in_force(connection, new.id, definition, generation, by)


async def replace(
    connection: Connection, definition_id: UUID, version: int, definition: Definition, by: Actor
) -> Stored:
    """Replace a definition by a new version; a Problem when somebody changed it since `version`."""
    generation = await update_alarm_generation(connection)
    old = await find(connection, definition_id)
    _check_version(old, version)
    await _check_names(connection, [definition.name], definition_id)
    differing = differences(old.definition.document(), definition.document())
    if not differing:
        return old
    await update_alarm_definitions(connection, [_new(definition_id, definition)], by.who)
    detail = {"id": definition_id, "version": version + 1, "changes": differing}
    await insert_audit(connection, by.who, "alarm_definition.change", definition.name, detail)
    return await _put_in_force(connection, definition_id, definition, generation, by)


async def delete(connection: Connection, definition_id: UUID, version: int, by: Actor) -> None:
    """Take a definition out of force; its versions and its journal stay."""
    generation = await update_alarm_generation(connection)
    old = await find(connection, definition_id)
    _check_version(old, version)
    await update_alarm_definitions_deleted(connection, [definition_id], by.who)
    await insert_audit(connection, by.who, "alarm_definition.delete", old.row.name, {"id": definition_id})
    gone = Wanted(definition_id, version + 1, None)
    await reconcile(connection, [gone], await read_ground(connection), generation, by)


async def find(connection: Connection, definition_id: UUID) -> Stored:
    """Read a definition in force; a Problem when there is none."""
    row = await select_alarm_definition(connection, definition_id)
    if row is None or row.deleted_at is not None:
        raise not_found("alarm definition", "id", str(definition_id))
    return stored(row)


def stored(row: DefinitionRow) -> Stored:
    """Read the document of a row."""
    return Stored(row, _definition(row.body))


@lru_cache(maxsize=50_000)
def _definition(body: str) -> Definition:
    return Definition.model_validate(msgspec.json.decode(body))


async def compare(connection: Connection, definitions: Sequence[Definition], *, is_pruning: bool) -> Difference:
    """Say what applying would change."""
    difference, _, _ = await _compare(connection, definitions, is_pruning=is_pruning)
    return difference


async def apply(
    connection: Connection, definitions: Sequence[Definition], by: Actor, *, is_pruning: bool
) -> Difference:
    """Bring the definitions in force to what is wanted, by name; pruning deletes those that are not named."""
    generation = await update_alarm_generation(connection)
    difference, known, gone = await _compare(connection, definitions, is_pruning=is_pruning)
    created = [_new(uuid.uuid4(), each) for each in definitions if each.name in set(difference.created)]
    changed = [_new(known[each.name].id, each) for each in definitions if each.name in difference.changed]
    if created:
        await insert_alarm_definitions(connection, created, by.who)
    if changed:
        await update_alarm_definitions(connection, changed, by.who)
    if gone:
        await update_alarm_definitions_deleted(connection, [row.id for row in gone], by.who)
    await _audit(connection, difference, by)
    by_name = {each.name: each for each in definitions}
    wanted = [Wanted(new.id, 1, by_name[new.name]) for new in created]
    wanted += [Wanted(new.id, known[new.name].version + 1, by_name[new.name]) for new in changed]
    wanted += [Wanted(row.id, row.version + 1, None) for row in gone]
    if wanted:
        await reconcile(connection, wanted, await read_ground(connection), generation, by)
    return difference


async def reconcile_all(connection: Connection, by: Actor) -> Changes:
    """Hold every definition against the series and assets that there are now; nobody waits while nothing differs."""
    rows = await select_alarm_definitions(connection)
    wanted = [Wanted(row.id, row.version, stored(row).definition) for row in rows]
    existing = await select_alarm_instances(connection, [row.id for row in rows])
    found = await asyncio.to_thread(compare_instances, wanted, existing, await read_ground(connection))
    if not found.rows:
        return found
    generation = await update_alarm_generation(connection)
    # Somebody may have changed them before the generation was ours: they are read again.
    moved = {row.definition_id for row in found.rows}
    rows = [row for row in await select_alarm_definitions(connection) if row.id in moved]
    wanted = [Wanted(row.id, row.version, stored(row).definition) for row in rows]
    return await reconcile(connection, wanted, await read_ground(connection), generation, by)


def differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Compare two documents member by member: old and new value by path."""
    found: dict[str, tuple[Any, Any]] = {}
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            found |= {f"{key}.{path}": pair for path, pair in differences(before, after).items()}
        elif before != after:
            found[key] = (before, after)
    return found


def refuse(problems: Sequence[FieldProblem]) -> Problem:
    """Refuse a body with everything that is wrong with it."""
    detail = "; ".join(f"{each.field}: {each.detail}" for each in problems[:5])
    return Problem(Kinds.BODY_INVALID, detail, fields=problems)


async def _compare(
    connection: Connection, definitions: Sequence[Definition], *, is_pruning: bool
) -> tuple[Difference, dict[str, DefinitionRow], list[DefinitionRow]]:
    known = {row.name: row for row in await select_alarm_definitions(connection)}
    difference = Difference()
    for each in definitions:
        row = known.get(each.name)
        if row is None:
            difference.created.append(each.name)
        elif differing := differences(stored(row).definition.document(), each.document()):
            difference.changed[each.name] = differing
        else:
            difference.unchanged += 1
    named = {each.name for each in definitions}
    gone = [row for name, row in known.items() if is_pruning and name not in named]
    difference.deleted = [row.name for row in gone]
    return difference, known, gone


async def _audit(connection: Connection, difference: Difference, by: Actor) -> None:
    for name in difference.created:
        await insert_audit(connection, by.who, "alarm_definition.create", name, {"by": "apply"})
    for name, changes in difference.changed.items():
        await insert_audit(connection, by.who, "alarm_definition.change", name, {"by": "apply", "changes": changes})
    for name in difference.deleted:
        await insert_audit(connection, by.who, "alarm_definition.delete", name, {"by": "apply"})


async def _put_in_force(
    connection: Connection, definition_id: UUID, definition: Definition, generation: int, by: Actor
) -> Stored:
    result = await find(connection, definition_id)
    wanted = Wanted(definition_id, result.row.version, definition)
    await reconcile(connection, [wanted], await read_ground(connection), generation, by)
    return result


async def _check_names(connection: Connection, names: Sequence[str], own_id: UUID | None) -> None:
    for row in await select_alarm_definitions_named(connection, names):
        if row.id != own_id:
            raise body_invalid("name", row.name, "is the name of another definition", "a name that is free")


def _check_version(old: Stored, version: int) -> None:
    if old.row.version != version:
        detail = f"the definition is at version {old.row.version}, changed by {old.row.updated_by}; read it again"
        raise Problem(Kinds.CONFLICT, detail, fields=[FieldProblem(field="version", value=version, detail=detail)])


def _new(definition_id: UUID, definition: Definition) -> NewDefinition:
    return NewDefinition(
        id=definition_id,
        name=definition.name,
        is_enabled=definition.enabled,
        kind=definition.condition.kind,
        priority=definition.priority,
        alarm_class=definition.alarm_class,
        position=definition.position,
        body=msgspec.json.encode(definition.document()).decode(),
    )
