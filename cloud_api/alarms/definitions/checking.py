"""What a definition's form cannot show: globs, expressions, overrides, groups; every problem named at once (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from cloud_api.alarms.definitions.models import Definition
from cloud_api.alarms.definitions.resolving import merged, with_numbers
from cloud_api.expressions.language import parse
from cloud_api.expressions.refusal import ExpressionInvalid
from cloud_api.field_problems import FieldProblem, from_pydantic, shown
from cloud_api.globs import parse_glob
from cloud_api.problems import Problem


def problems_of(definition: Definition) -> list[FieldProblem]:
    """Name every problem of one definition, with the member that has it."""
    return [*_globs(definition), *_expressions(definition), *_overrides(definition)]


def validation_problems(error: ValidationError) -> list[FieldProblem]:
    """Name what the form of a document has against it."""
    return [
        from_pydantic(each, Definition).model_copy(update={"field": _place(each["loc"])})
        for each in error.errors(include_url=False)
    ]


def read_definition(document: Mapping[str, Any]) -> tuple[Definition | None, list[FieldProblem]]:
    """Read a document; what is wrong with it comes instead."""
    try:
        definition = Definition.model_validate(document)
    except ValidationError as error:
        return None, validation_problems(error)
    problems = problems_of(definition)
    return (None if problems else definition), problems


def read_definitions(documents: Sequence[Mapping[str, Any]]) -> tuple[list[Definition], list[FieldProblem]]:
    """Read many documents; problems say which by its name, or its number where it has none."""
    found: list[Definition] = []
    problems: list[FieldProblem] = []
    names: set[str] = set()
    for number, document in enumerate(documents, start=1):
        definition, own = read_definition(document)
        called = str(document.get("name") or f"definition {number}")
        problems += [each.model_copy(update={"field": f"{called}: {each.field}"}) for each in own]
        if definition is not None and definition.name in names:
            detail = "the name is used by another definition here"
            problems.append(FieldProblem(field=f"{called}: name", value=definition.name, detail=detail))
        elif definition is not None:
            found.append(definition)
        names.add(str(document.get("name")))
    return found, problems


def _globs(definition: Definition) -> Iterator[FieldProblem]:
    places = [("target.path", definition.target.path)]
    places += [(f"overrides.{index}.path", each.path) for index, each in enumerate(definition.overrides)]
    for field, path in places:
        if path is None:
            continue
        try:
            parse_glob(path, field)
        except Problem as problem:
            yield from problem.fields


def _expressions(definition: Definition) -> Iterator[FieldProblem]:
    condition = definition.condition
    suppression = definition.suppression
    texts = [("suppression.when", suppression.when, suppression.inputs)]
    if condition.kind == "expression":
        texts.append(("condition.expression", condition.expression, condition.inputs))
    for field, text, inputs in texts:
        if text is None:
            continue
        try:
            parse(with_numbers(text, definition.variables), inputs)
        except ExpressionInvalid as error:
            yield FieldProblem(field=field, value=shown(text), detail=str(error), allowed=error.allowed)


def _overrides(definition: Definition) -> Iterator[FieldProblem]:
    document = definition.document()
    for index, override in enumerate(definition.overrides):
        try:
            Definition.model_validate(merged(document, override.change))
        except ValidationError as error:
            for each in validation_problems(error):
                yield each.model_copy(update={"field": f"overrides.{index}.change.{each.field}"})


def _place(loc: Sequence[str | int]) -> str:
    """Give the member's path as it was written: the kind that pydantic puts after `condition` is no member."""
    parts = [str(part) for part in loc]
    if len(parts) > 1 and parts[0] == "condition" and parts[1] in KINDS:
        del parts[1]
    return ".".join(part for part in parts if part not in {"constrained-float", "constrained-str"}) or "definition"


KINDS = frozenset({"limit", "deviation", "rate", "discrete", "stale", "bad_quality", "counter_stopped", "expression"})
