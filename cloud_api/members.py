"""What a body may hold at one place of it, read from the annotations that check it (pure)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

Step: TypeAlias = str | int


@dataclass(frozen=True, slots=True)
class Place:
    """The members that are known at a place, by the names that callers write; none where nothing is known of it."""

    members: tuple[str, ...] = ()
    holds_secrets: bool = False


def place_of(annotation: object, path: Sequence[Step]) -> Place:
    """Follow a path through what `annotation` says.

    Args:
        annotation: the type of the whole: a model, or lists, mappings and unions of models.
        path: what stands before the member in pydantic's `loc`; arms of unions are part of it, by tag or type.

    Returns:
        The members there. It holds secrets when it, or anything that it hangs in, has a member of the type `SecretStr`.
    """
    inside, arguments = get_origin(annotation), get_args(annotation)
    if inside is Annotated:
        return place_of(arguments[0], path)
    if inside in {Union, UnionType}:
        return _of_union(arguments, path)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _of_model(annotation, path)
    if path and isinstance(inside, type) and issubclass(inside, Collection):
        return _joined(place_of(each, path[1:]) for each in _contained(inside, arguments, path[0]))
    return Place()


def _of_model(model: type[BaseModel], path: Sequence[Step]) -> Place:
    fields = {_written(name, field): field for name, field in model.model_fields.items()}
    holds_secrets = any(_is_secret(field.annotation) for field in fields.values())
    if not path:
        return Place(tuple(fields), holds_secrets)
    field = fields.get(str(path[0])) or model.model_fields.get(str(path[0]))
    below = place_of(field.annotation, path[1:]) if field else Place()
    return Place(below.members, below.holds_secrets or holds_secrets)


def _of_union(arms: Iterable[object], path: Sequence[Step]) -> Place:
    arms = tuple(arms)
    named = [arm for arm in arms if path and _answers_to(arm, path[0])]
    found = _joined(place_of(arm, path[1:] if named else path) for arm in named or arms)
    if found.members or named or not path:
        return found
    # An arm behind a validator of its own is called by that validator's name.
    return _joined(place_of(arm, path[1:]) for arm in arms)


def _answers_to(arm: object, step: Step) -> bool:
    """Whether a step of the path names this arm: by a literal of its members, or by the name of its type."""
    if get_origin(arm) is Annotated:
        return _answers_to(get_args(arm)[0], step)
    if not (isinstance(arm, type) and issubclass(arm, BaseModel)):
        return str(step).startswith("list[") and get_origin(arm) is list
    literals = {word for field in arm.model_fields.values() for word in _literals(field.annotation)}
    return step == arm.__name__ or step in literals


def _literals(annotation: object) -> tuple[object, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _contained(inside: type, arguments: tuple[Any, ...], step: Step) -> tuple[object, ...]:
    """The types of what a collection holds at one step into it."""
    if issubclass(inside, Mapping):
        return arguments[1:]
    is_fixed = inside is tuple and Ellipsis not in arguments
    if is_fixed and isinstance(step, int):
        return arguments[step : step + 1]
    return arguments[:1]


def _written(name: str, field: FieldInfo) -> str:
    return field.validation_alias if isinstance(field.validation_alias, str) else field.alias or name


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))


def _joined(places: Iterable[Place]) -> Place:
    found = tuple(places)
    members = dict.fromkeys(member for place in found for member in place.members)
    return Place(tuple(members), any(place.holds_secrets for place in found))
