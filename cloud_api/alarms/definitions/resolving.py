"""From a definition to the plan of one place: overrides merged, variables filled in, series found (pure)."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from cloud_api.alarms.definitions import conditions
from cloud_api.alarms.definitions.conditions import Level, Levels, Texts
from cloud_api.alarms.definitions.messages import default_texts
from cloud_api.alarms.definitions.models import Definition
from cloud_api.alarms.evaluation.plan import Kind, LevelPlan, Plan, RulesPlan, SuppressionPlan
from cloud_api.expressions.language import parse
from cloud_api.globs import PathGlob, parse_glob

US = 1_000_000
DEFAULT_STALE_PERIODS = 3.0
DEFAULT_STALE_S = 60.0


class PlaceUnfit(Exception):
    """The definition cannot be evaluated at this place; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an alarm stands: a path, and its series with what the catalog says of it, if there is one."""

    path: str
    series_id: int | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    scan_period_s: float | None = None
    max_silence_s: float | None = None
    is_calculated: bool = False
    # People enter its values: nothing says how often.
    is_entered: bool = False
    # What `./` means: the level above the path, or the asset of a template.
    root: str = ""
    # An asset's own values for the definition's variables.
    variables: Mapping[str, float | str] = field(default_factory=dict[str, float | str])


class Resolver:
    """Resolves one version of a definition at many places; overrides that meet often are merged once."""

    def __init__(self, definition: Definition, definition_id: str, version: int) -> None:
        self._definition = definition
        self._id = definition_id
        self._version = version
        self._globs = [_glob(override.path) for override in definition.overrides]
        self._merged: dict[tuple[int, ...], Definition] = {(): definition}

    def at(self, path: str) -> Definition:
        """Give the definition as it is at a path, overrides in their order; ValueError when they do not fit."""
        matching = tuple(index for index, glob in enumerate(self._globs) if glob.matches(path))
        found = self._merged.get(matching)
        if found is None:
            document = self._definition.document()
            for index in matching:
                document = merged(document, self._definition.overrides[index].change)
            found = self._merged[matching] = Definition.model_validate(document)
        return found

    def resolve(self, place: Place, series: Mapping[str, int]) -> Plan | None:
        """Make the plan of a place; None where it is switched off, PlaceUnfit where it cannot be."""
        try:
            definition = self.at(place.path)
        except ValueError as error:
            raise PlaceUnfit(f"the overrides for {place.path} do not fit: {error}") from error
        if not definition.enabled:
            return None
        return _Resolution(definition, place, series).plan(self._id, self._version)


@dataclass(frozen=True, slots=True)
class _Resolution:
    definition: Definition
    place: Place
    series: Mapping[str, int]

    def plan(self, definition_id: str, version: int) -> Plan:
        definition, place = self.definition, self.place
        kind = Kind(definition.condition.kind)
        if place.series_id is None and kind is not Kind.EXPRESSION:
            raise PlaceUnfit(f"there is no series {place.path}")
        special = self._special()
        return Plan(
            definition_id=definition_id,
            version=version,
            instance=place.path,
            name=definition.name,
            kind=kind,
            levels=self._levels(kind),
            series_id=place.series_id,
            unit=self._unit(),
            words=self._words(),
            rules=RulesPlan(
                definition.alarm_class,
                definition.position,
                definition.latching,
                definition.auto_acknowledge,
                definition.max_shelved_s,
            ),
            suppression=self._suppression(),
            is_calculated=place.is_calculated,
            **special,
        )

    def _unit(self) -> str | None:
        """The unit of what is judged: of a rate, of its change per time."""
        match self.definition.condition:
            case conditions.RateCondition(per=per):
                return f"{self.place.unit or 1}/{conditions.PER_SIGN[per]}"
            case _:
                return self.place.unit

    def _special(self) -> dict[str, Any]:
        match self.definition.condition:
            case conditions.RateCondition(per=per, over_s=over_s):
                return {"per_us": int(conditions.PER_S[per] * US), "over_us": max(1, int(over_s * US))}
            case conditions.StaleCondition() | conditions.CounterStoppedCondition() as silence:
                return {"after_us": int((silence.after_s or self._expected_s()) * US)}
            case conditions.DiscreteCondition() as discrete:
                return self._discrete(discrete)
            case conditions.DeviationCondition(setpoint=setpoint):
                return {"inputs": {"value": self.place.series_id or 0, "setpoint": self._series_id(setpoint)}}
            case conditions.ExpressionCondition(expression=expression, inputs=inputs):
                filled = with_numbers(expression, self._variables())
                return {"expression": filled, "inputs": self._inputs(filled, inputs), "names": dict(inputs)}
            case _:
                return {}

    def _expected_s(self) -> float:
        if self.place.is_entered:
            raise PlaceUnfit("people enter its values and promise no rhythm: say `after_s`")
        period_s, silence_s = self.place.scan_period_s, self.place.max_silence_s
        if silence_s is not None:
            return silence_s + (period_s or 0.0)
        return DEFAULT_STALE_S if period_s is None else max(DEFAULT_STALE_PERIODS * period_s, 1.0)

    def _discrete(self, discrete: conditions.DiscreteCondition) -> dict[str, Any]:
        texts = tuple(state for state in discrete.states if isinstance(state, str))
        numbers = tuple(float(state) for state in discrete.states if not isinstance(state, str))
        labels = {f"{state}.en": texts_.en or texts_.zh for state, texts_ in discrete.labels.items()}
        labels |= {f"{state}.zh": texts_.zh or texts_.en for state, texts_ in discrete.labels.items()}
        return {"states": numbers, "texts": texts, "labels": labels}

    def _inputs(self, expression: str, inputs: Mapping[str, str]) -> dict[str, int]:
        names = parse(expression, inputs).names
        return {str(name): self._series_id(str(name)) for name in names}

    def _suppression(self) -> SuppressionPlan:
        suppression = self.definition.suppression
        group = suppression.group
        when = None if suppression.when is None else with_numbers(suppression.when, self._variables())
        return SuppressionPlan(
            when=when,
            names=dict(suppression.inputs),
            inputs={} if when is None else self._inputs(when, suppression.inputs),
            # One group for each asset where its name says so.
            group=None if group is None else group.name.replace("{asset}", self.place.root),
            is_cause=group is not None and group.is_cause,
        )

    def _series_id(self, path: str) -> int:
        full = absolute(path, self.place.root)
        found = self.series.get(full)
        if found is None:
            raise PlaceUnfit(f"there is no series {full}")
        return found

    def _levels(self, kind: Kind) -> tuple[LevelPlan, ...]:
        condition = self.definition.condition
        if not isinstance(condition, Levels):
            return (self._level(None, kind, None, is_high=True, limit=0.5, deadband=0.0),)
        built = {
            name: self._level(
                name,
                kind,
                level,
                is_high=name.startswith("hi"),
                limit=self._number(level.limit),
                deadband=self._deadband(condition.deadband if level.deadband is None else level.deadband),
            )
            for name, level in condition.levels()
        }
        _check_order(built)
        # From the outermost inwards, the high side first.
        return tuple(built[name] for name in ("hihi", "hi", "lolo", "lo") if name in built)

    def _level(
        self, name: str | None, kind: Kind, level: Level | None, *, is_high: bool, limit: float, deadband: float
    ) -> LevelPlan:
        definition = self.definition
        on_s = definition.on_delay_s if level is None or level.on_delay_s is None else level.on_delay_s
        off_s = definition.off_delay_s if level is None or level.off_delay_s is None else level.off_delay_s
        texts = _texts(level.message if level is not None else None, definition.message, default_texts(kind, name))
        return LevelPlan(
            name=name,
            is_high=is_high,
            limit=limit,
            deadband=deadband,
            on_delay_us=round(on_s * US),
            off_delay_us=round(off_s * US),
            priority=(level.priority if level is not None else None) or definition.priority,
            message_en=texts.en,
            message_zh=texts.zh,
        )

    def _number(self, value: float | str) -> float:
        if not isinstance(value, str):
            return value
        filled = self._variables().get(value[1:])
        if isinstance(filled, str) or filled is None:
            raise PlaceUnfit(f"{value} is {filled!r} at {self.place.path}, not a number")
        return float(filled)

    def _deadband(self, value: float | str) -> float:
        if isinstance(value, str) and value.endswith("%"):
            low, high = self.place.low, self.place.high
            if low is None or high is None:
                raise PlaceUnfit(f"the deadband is {value} of a span that {self.place.path} does not have")
            return float(value[:-1]) / 100.0 * (high - low)
        number = self._number(value)
        if number < 0:
            raise PlaceUnfit(f"the deadband is {number:g} at {self.place.path}, below zero")
        return number

    def _variables(self) -> dict[str, float | str]:
        own = self.definition.variables
        # An asset's attribute stands in for the default; what an override says has the last word.
        return {**own, **{name: value for name, value in self.place.variables.items() if name in own}}

    def _words(self) -> dict[str, str]:
        return {name: value if isinstance(value, str) else f"{value:g}" for name, value in self._variables().items()}


def with_numbers(expression: str, variables: Mapping[str, float | str]) -> str:
    """Put the numbers of a definition's variables where `$name` stands; what is no number stays and is refused."""

    def filled(found: re.Match[str]) -> str:
        value = variables.get(found[0][1:])
        return found[0] if value is None or isinstance(value, str) else f"({value!r})"

    return conditions.VARIABLE.sub(filled, expression)


def merged(document: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a change into a document: tables member by member, everything else replaced."""
    result = dict(document)
    for key, value in change.items():
        old = result.get(key)
        is_table = isinstance(old, dict) and isinstance(value, dict)
        result[key] = merged(cast("dict[str, Any]", old), cast("dict[str, Any]", value)) if is_table else value
    return result


def absolute(path: str, root: str) -> str:
    """Resolve `./` and `../` against a root; other paths stand for themselves."""
    if not path.startswith(("./", "../")):
        return path
    levels = [level for level in root.split("/") if level]
    for part in path.split("/"):
        if part == "..":
            levels = levels[:-1]
        elif part != ".":
            levels.append(part)
    return "/".join(levels)


def parent(path: str) -> str:
    """Give the level above."""
    return path.rpartition("/")[0]


def beside(place: Place) -> Place:
    """Give the place with `./` meaning the level above its path."""
    return replace(place, root=parent(place.path))


def _glob(path: str) -> PathGlob:
    return parse_glob(path, "overrides.path")


def _texts(*choices: Texts | None) -> Texts:
    """Take the first text in each language; a language that nobody wrote takes the other before the default."""
    said = [texts for texts in choices[:-1] if texts is not None and (texts.en or texts.zh)]
    if said:
        return Texts(en=said[0].en or said[0].zh, zh=said[0].zh or said[0].en)
    return choices[-1] or Texts()


def _check_order(levels: Mapping[str, LevelPlan]) -> None:
    present: Sequence[str] = [name for name in conditions.LEVELS if name in levels]
    for upper, lower in itertools.pairwise(present):
        high, low = levels[upper], levels[lower]
        if high.limit <= low.limit:
            raise PlaceUnfit(f"{upper} ({high.limit:g}) is not above {lower} ({low.limit:g})")
        # An outer level is over before the one within is, and no deadband reaches the other side's.
        if _end(high) < _end(low):
            raise PlaceUnfit(f"the deadbands of {upper} and {lower} overlap")


def _end(level: LevelPlan) -> float:
    """Where the level is over."""
    return level.limit - level.deadband if level.is_high else level.limit + level.deadband
