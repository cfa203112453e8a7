"""Where a definition stands: series that its target's path means, or tags of the assets of its template (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cloud_api.alarms.definitions.models import Definition
from cloud_api.alarms.definitions.resolving import Place, parent
from cloud_api.globs import PathGlob, parse_glob
from cloud_api.storage.alarm_instances import AlarmSeriesRow
from cloud_api.storage.calculations import CALCULATIONS_AGENT
from cloud_api.storage.entries import ENTRIES_AGENT


@dataclass(frozen=True, slots=True)
class TemplateAsset:
    """An asset made by a template, and its own values."""

    template: str
    path: str
    attributes: Mapping[str, float | str]


class Ground:
    """All series and template assets there are: what targets are held against."""

    def __init__(self, series: Sequence[AlarmSeriesRow], assets: Sequence[TemplateAsset] = ()) -> None:
        self.by_path = {row.path: row for row in series}
        self.ids = {row.path: row.id for row in series}
        self._paths = [row.path for row in series]
        self._assets: dict[str, list[TemplateAsset]] = {}
        for asset in assets:
            self._assets.setdefault(asset.template, []).append(asset)

    def places(self, definition: Definition) -> Iterator[Place]:
        """Find the places of a definition."""
        target = definition.target
        if target.path is not None:
            yield from self._by_path(parse_glob(target.path, "target.path"), definition)
            return
        for asset in self._assets.get(target.template or "", ()):
            path = f"{asset.path}/{target.tag}"
            yield self._place(path, asset.path, asset.attributes)

    def _by_path(self, glob: PathGlob, definition: Definition) -> Iterator[Place]:
        if glob.exact is not None:
            # An expression may stand on an asset, which is no series; everything else says that it has none.
            is_joint = definition.condition.kind == "expression" and glob.exact not in self.by_path
            yield self._place(glob.exact, glob.exact if is_joint else parent(glob.exact), {})
            return
        for path in self._paths:
            if path.startswith(glob.from_path) and glob.matches(path):
                yield self._place(path, parent(path), {})

    def _place(self, path: str, root: str, variables: Mapping[str, float | str]) -> Place:
        row = self.by_path.get(path)
        if row is None:
            return Place(path, root=root, variables=variables)
        return Place(
            path=path,
            series_id=row.id,
            unit=row.unit,
            low=row.low,
            high=row.high,
            scan_period_s=row.scan_period_s,
            max_silence_s=row.max_silence_s,
            is_calculated=row.source_agent == CALCULATIONS_AGENT,
            is_entered=row.source_agent == ENTRIES_AGENT,
            root=root,
            variables=variables,
        )
