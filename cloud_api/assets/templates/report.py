"""An asset beside its template: what is missing, what is extra, what is otherwise than expected (pure)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from cloud_api.assets.templates.models import Presence, TemplateTag
from cloud_api.storage.asset_templates import TagRow

_COMPARED = ("kind", "unit", "low", "high", "scan_period_s")


@dataclass(frozen=True, slots=True)
class Deviation:
    """One tag of which one thing is not as the template has it."""

    tag: str
    field: str
    expected: Any
    found: Any


@dataclass(frozen=True, slots=True)
class Conformance:
    """What a template finds of one asset."""

    missing: tuple[str, ...]
    extra: tuple[str, ...]
    differing: tuple[Deviation, ...]

    @property
    def verdict(self) -> str:
        """Whether the asset is as its template has it."""
        return "deviates" if self.missing or self.extra or self.differing else "conforms"


def compare(expected: Sequence[TemplateTag], found: Mapping[str, TagRow]) -> Conformance:
    """Hold the tags that were found, by their path from the asset down, beside those that are expected."""
    names = {tag.tag for tag in expected}
    missing = (tag.tag for tag in expected if tag.presence is Presence.REQUIRED and tag.tag not in found)
    differing = (each for tag in expected if tag.tag in found for each in _deviations(tag, found[tag.tag]))
    return Conformance(tuple(sorted(missing)), tuple(sorted(found.keys() - names)), tuple(differing))


def tags_of(asset: str, rows: Iterable[TagRow], bound: AbstractSet[str]) -> dict[str, TagRow]:
    """The tags of an asset by their path from it down, without those below another asset with its own template."""
    start = len(asset) + 1
    return {row.path[start:]: row for row in rows if not _is_of_another(asset, row.path, bound)}


def _is_of_another(asset: str, path: str, bound: AbstractSet[str]) -> bool:
    parent = path.rpartition("/")[0]
    while len(parent) > len(asset):
        if parent in bound:
            return True
        parent = parent.rpartition("/")[0]
    return False


def _deviations(tag: TemplateTag, row: TagRow) -> list[Deviation]:
    pairs = ((field, _plain(getattr(tag, field)), getattr(row, field)) for field in _COMPARED)
    return [Deviation(tag.tag, *pair) for pair in pairs if pair[1] is not None and not _is_equal(*pair[1:])]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, float) else str(value)


def _is_equal(expected: Any, found: Any) -> bool:
    if isinstance(expected, float) and isinstance(found, float):
        return math.isclose(expected, found, rel_tol=1e-6)
    return bool(expected == found)
