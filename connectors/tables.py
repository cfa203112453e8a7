"""What a connector's tables in a configuration are checked by, and what is handed on of them."""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


def duration_s(text: object) -> object:
    """Seconds of a duration such as "250ms", "1s", "5min" or "2h"; a bare number has no unit and is refused."""
    if isinstance(text, str) and (found := _DURATION.fullmatch(text.strip())):
        return float(found[1]) * _UNIT_S[found[2]]
    raise ValueError(f'{text!r} is not a duration; allowed: a number with ms, s, min or h, for example "250ms"')


Duration: TypeAlias = Annotated[float, BeforeValidator(duration_s)]
"""A field that is written with its unit and held in seconds."""


class ConnectorConfig(BaseModel, extra="forbid", frozen=True):
    """The protocol's own keys of a device table; the agent has taken the keys of its own out before."""


class PointConfig(BaseModel, extra="forbid", frozen=True):
    """The protocol's own keys of a tag table: where the value lies and how to read it, nothing else.

    It is validated with the device's ConnectorConfig as pydantic's context, so that a device key may bear on it.
    """


def plain(checked: object) -> Any:
    """What is handed on of a checked table: the dataclass that its model is derived from, else the model itself.

    A dataclass takes an eighth of a model's memory and needs no library to be read in another process.
    """
    bases = type(checked).__mro__ if isinstance(checked, BaseModel) else ()
    made = next((base for base in bases if "__dataclass_fields__" in vars(base)), None)
    if made is None:
        return checked
    return made(**{each.name: _handed_on(getattr(checked, each.name)) for each in fields(made)})


def _handed_on(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in cast("Mapping[object, object]", value).items()}
    return plain(value)
