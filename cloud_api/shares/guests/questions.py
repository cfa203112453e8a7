"""What a guest asks for, weighed against the terms: which series, which intervals, which aggregates (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_api.globs import parse_glob
from cloud_api.instants import format_us, parse_instant
from cloud_api.problems import not_found, parameter_invalid
from cloud_api.query.aggregates.names import Aggregate
from cloud_api.query.buckets import Buckets, Window
from cloud_api.shares.guard import check_aggregates, read_buckets, too_many
from cloud_api.shares.terms import Priority, Terms

# So many rows are read in one transaction, and let out at once.
PART_ROWS = 5_000
MOST_SERIES = 50


@dataclass(frozen=True, slots=True)
class Offer:
    """A series as its recipient knows it; `tag` is the place of its tag among the terms'."""

    id: int
    alias: str
    unit: str | None
    tag: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Intervals that may be answered, and their length as the caller named it."""

    buckets: Buckets
    interval: str

    @property
    def window(self) -> Window:
        """All of them."""
        return self.buckets.window

    def pieces(self, rows_each: int) -> list[Window]:
        """The window in pieces of whole intervals, `rows_each` rows each interval."""
        edges = self.buckets.whole_edges_us()
        step = max(1, PART_ROWS // rows_each)
        starts = range(0, len(edges) - 1, step)
        return [Window(int(edges[start]), int(edges[min(start + step, len(edges) - 1)])) for start in starts]

    def count_in(self, window: Window) -> int:
        """How many intervals a piece has."""
        edges = self.buckets.whole_edges_us()
        return int(((edges[:-1] >= window.from_us) & (edges[:-1] < window.to_us)).sum())

    def plain(self) -> dict[str, str]:
        """As it is written down."""
        window = self.window
        return {"from": format_us(window.from_us), "to": format_us(window.to_us), "interval": self.interval}


def read_asked(terms: Terms, window: tuple[str, str], interval: str | None, now_us: int, most: int) -> Asked:
    """Read which intervals are asked for; a Problem says which of the terms forbids them."""
    stretch = Window(parse_instant(window[0], "from"), parse_instant(window[1], "to"))
    return Asked(read_buckets(terms, stretch, interval, now_us, most), interval or terms.floor.value)


def choose_series(offers: Sequence[Offer], text: str) -> list[Offer]:
    """The series that a glob of their outside names means; a Problem where there is none."""
    glob = parse_glob(text, "series")
    found = [each for each in offers if glob.matches(each.alias)]
    if not found:
        raise not_found("series in this share", "series", text)
    return found


def choose_aggregates(terms: Terms, offers: Sequence[Offer], asked: Sequence[Aggregate]) -> dict[int, list[Aggregate]]:
    """For each tag which aggregates are answered: those asked for, each of which must be shared; else all."""
    tags = {each.tag: terms.tags[each.tag] for each in offers if terms.tags[each.tag].aggregates}
    if not tags:
        raise not_found("series with aggregates in this share", "series", ", ".join(each.alias for each in offers[:3]))
    for tag in tags.values():
        check_aggregates(asked, tag.aggregates)
    return {place: list(dict.fromkeys(asked or tag.aggregates)) for place, tag in tags.items()}


def choose_priorities(terms: Terms, asked: Sequence[Priority]) -> list[Priority]:
    """Which priorities are counted; a Problem where they are not shared."""
    if terms.alarms is None:
        raise not_found("alarms in this share", "priority", "")
    for each in asked:
        if each not in terms.alarms.priorities:
            raise parameter_invalid("priority", each.value, "is not shared", ", ".join(terms.alarms.priorities))
    return list(dict.fromkeys(asked or terms.alarms.priorities))


def check_rows(rows: int, most: int) -> int:
    """Refuse more rows than one answer has."""
    if rows > most:
        raise too_many(rows, most)
    return rows
