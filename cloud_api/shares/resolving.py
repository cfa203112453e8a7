"""From terms to assets and series, each with the name that it has outside; numbers once given stay as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloud_api.globs import parse_glob
from cloud_api.problems import body_invalid, in_body
from cloud_api.shares.terms import MOST_SERIES, NUMBER, Terms
from cloud_api.storage.catalog import SeriesFilter, select_series_page
from cloud_api.storage.pool import Connection
from cloud_api.storage.shares import AssetRow, SharedSeries, select_assets_to_share

MOST_ASSETS = 500


@dataclass(frozen=True, slots=True)
class Meaning:
    """What terms mean at the moment, and where that is."""

    assets: Sequence[AssetRow]
    series: Sequence[SharedSeries]
    paths: Mapping[int, str] = field(default_factory=dict[int, str])


async def resolve(connection: Connection, terms: Terms, known: Mapping[str, str]) -> Meaning:
    """Find what terms mean among what the caller of this connection sees.

    `known` are the names that paths have already, so that a share that is changed still calls a machine what it did.
    A Problem where a term means nothing, or two things would have one name.
    """
    names = _Names(known)
    assets: dict[str, str] = {}
    for index, term in enumerate(terms.assets):
        with in_body():
            glob = parse_glob(term.path, f"terms.assets.{index}.path")
        found = await select_assets_to_share(connection, glob, term.template, MOST_ASSETS + 1)
        new = [path for path in found if path not in assets]
        if not found or len(assets) + len(new) > MOST_ASSETS:
            detail = f"means {len(found) or 'no'} assets"
            raise body_invalid(f"terms.assets.{index}", term.path, detail, f"1 to {MOST_ASSETS} assets that there are")
        for path in new:
            assets[path] = names.give(path, term.alias, f"terms.assets.{index}.alias")
    series: dict[int, SharedSeries] = {}
    paths: dict[int, str] = {}
    for path, alias in assets.items():
        for one, where in await _series_of(connection, terms, (path, alias), names):
            if series.setdefault(one.series_id, one) is one:
                paths[one.series_id] = where
    _check_tags(terms, list(series.values()))
    rows = [AssetRow(path, alias) for path, alias in assets.items()]
    return Meaning(rows, list(series.values()), paths)


async def _series_of(
    connection: Connection, terms: Terms, asset: tuple[str, str], names: "_Names"
) -> list[tuple[SharedSeries, str]]:
    path, alias = asset
    found: list[tuple[SharedSeries, str]] = []
    for index, tag in enumerate(terms.tags):
        field_name = f"terms.tags.{index}"
        with in_body():
            glob = parse_glob(f"{path}/{tag.path}", f"{field_name}.path")
        series_filter = SeriesFilter(glob, words=None, with_retired=True)
        rows = await select_series_page(connection, series_filter, after_path="", limit=MOST_SERIES + 1)
        for row in rows:
            name = names.give(row.path, f"{alias}/{tag.alias}", f"{field_name}.alias")
            found.append((SharedSeries(row.id, name, path, index), row.path))
    if len(found) > MOST_SERIES:
        raise body_invalid("terms.tags", len(found), "are more series than a share has", f"at most {MOST_SERIES}")
    return found


def _check_tags(terms: Terms, series: Sequence[SharedSeries]) -> None:
    if len(series) > MOST_SERIES:
        raise body_invalid("terms.tags", len(series), "are more series than a share has", f"at most {MOST_SERIES}")
    meant = {each.tag for each in series}
    for index, tag in enumerate(terms.tags):
        if index not in meant:
            raise body_invalid(f"terms.tags.{index}.path", tag.path, "means no series", "a path below an asset")


class _Names:
    """Gives each path a name of its own."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self._taken = {name: path for path, name in known.items()}

    def give(self, path: str, pattern: str, field_name: str) -> str:
        """The name of a path: the one it has, where it still fits; else the first number that is free."""
        known = self._known.get(path)
        if known is not None and _fits(known, pattern):
            return known
        for number in range(1, MOST_SERIES * 4):
            name = pattern.replace(NUMBER, str(number))
            if self._taken.setdefault(name, path) == path:
                return name
            if NUMBER not in pattern:
                break
        raise body_invalid(field_name, pattern, "is the name of two", f"a name for each, or one with {NUMBER}")


def _fits(name: str, pattern: str) -> bool:
    before, mark, after = pattern.partition(NUMBER)
    if not mark:
        return name == pattern
    middle = name.removeprefix(before).removesuffix(after)
    return name.startswith(before) and name.endswith(after) and middle.isascii() and middle.isdigit()
