"""What a replay is about: each definition at its places, as it would be and as it is; the window; the cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from cloud_api.alarms.definitions.checking import read_definitions
from cloud_api.alarms.definitions.instances import Wanted, instances_of, read_ground
from cloud_api.alarms.definitions.models import Definition
from cloud_api.alarms.definitions.places import Ground
from cloud_api.alarms.evaluation.plan import Plan
from cloud_api.alarms.replay.models import LONGEST_DAYS, Against, ReplayRequest
from cloud_api.instants import UNIT_US, format_us, parse_instant, to_us
from cloud_api.problems import Kinds, Problem, body_invalid, in_body
from cloud_api.storage.alarm_definitions import DefinitionRow, select_alarm_definitions_named
from cloud_api.storage.history import select_sample_count_capped
from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection

# The definition that is only in a request has no id yet.
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Window:
    """Which history."""

    from_us: int
    to_us: int


@dataclass(slots=True)
class Subject:
    """One definition: its plans after and before, by path, and the places where it cannot be."""

    definition: Definition
    stored: DefinitionRow | None
    against: str
    after: dict[str, Plan] = field(default_factory=dict[str, Plan])
    before: dict[str, Plan] = field(default_factory=dict[str, Plan])
    problems: dict[str, str] = field(default_factory=dict[str, str])
    ranges: dict[str, tuple[float | None, float | None]] = field(
        default_factory=dict[str, tuple[float | None, float | None]]
    )


def read_window(request: ReplayRequest, now: datetime) -> Window:
    """Read the window; a Problem says what is wrong with it."""
    with in_body():
        from_us = parse_instant(request.from_, "from")
        end_us = min(parse_instant(request.to, "to"), to_us(now))
    if not 0 < end_us - from_us <= LONGEST_DAYS * UNIT_US["d"]:
        allowed = f"before {format_us(end_us)} (`to`, or now), and at most {LONGEST_DAYS} days"
        raise body_invalid("from", request.from_, "makes no window", allowed)
    return Window(from_us, end_us)


async def read_subjects(connection: Connection, request: ReplayRequest) -> list[Subject]:
    """Find every definition and its places; all problems of the request are told at once."""
    given, problems = read_definitions(request.definitions)
    if problems:
        detail = "; ".join(f"{each.field}: {each.detail}" for each in problems[:5])
        raise Problem(Kinds.BODY_INVALID, detail, fields=problems)
    if not given and not request.names:
        raise body_invalid("definitions", [], "is empty, and so is `names`", "one of the two, or both")
    wanted = [*request.names, *(definition.name for definition in given)]
    stored = {row.name: row for row in await select_alarm_definitions_named(connection, wanted)}
    for name in request.names:
        if name not in stored:
            raise body_invalid("names", name, "is no stored definition", "the name of an alarm definition")
    ground = await read_ground(connection)
    subjects = [_subject(definition, stored.get(definition.name), request.against, ground) for definition in given]
    for name in dict.fromkeys(request.names):
        if not any(subject.definition.name == name for subject in subjects):
            row = stored[name]
            subjects.append(_subject(_read(row), row, Against.JOURNAL, ground))
    return subjects


async def check_cost(connection: Connection, subjects: Sequence[Subject], window: Window, max_samples: int) -> int:
    """Count what would be read; more than `max_samples` is refused before anything runs."""
    ids = sorted({series_id for subject in subjects for series_id in series_of(subject)})
    count = await select_sample_count_capped(
        connection, ids, at_us(window.from_us), at_us(window.to_us), max_samples + 1
    )
    if count > max_samples:
        detail = f"more than {max_samples} samples; ask for a shorter window, fewer places, or raise `max_samples`"
        raise Problem(Kinds.QUERY_TOO_LARGE, detail)
    return count


def series_of(subject: Subject) -> set[int]:
    """Every series that one of the plans reads."""
    plans = [*subject.after.values(), *subject.before.values()]
    return {series_id for plan in plans for series_id in plan.series_ids}


def _subject(definition: Definition, stored: DefinitionRow | None, against: Against, ground: Ground) -> Subject:
    name = "nothing" if stored is None else against.value
    subject = Subject(definition, stored, name)
    definition_id = NOBODY if stored is None else stored.id
    for row, plan in instances_of(Wanted(definition_id, 0, definition), ground):
        if plan is None:
            subject.problems[row.instance] = row.problem or "cannot be evaluated here"
            continue
        subject.after[row.instance] = plan
        series = ground.by_path.get(row.instance)
        subject.ranges[row.instance] = (None, None) if series is None else (series.low, series.high)
    if stored is not None and against is Against.STORED:
        before = instances_of(Wanted(stored.id, stored.version, _read(stored)), ground)
        subject.before = {row.instance: plan for row, plan in before if plan is not None}
    return subject


def _read(row: DefinitionRow) -> Definition:
    return Definition.model_validate(msgspec.json.decode(row.body))
