"""What rows of rollups tell of stored samples: the lowest and the highest ones, and where the data go Bad (pure)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud_api.query.extremes import is_usable, spread_evenly
from cloud_api.query.spans import Spans
from cloud_api.rollups.partials import IS_GOOD, IS_UNCERTAIN, status_classes
from cloud_api.storage.columns import SampleColumns, concatenate
from cloud_api.storage.rollup_rows import Resolution, RollupRows
from cloud_api.storage.rows import has_text
from schemas.status import GOOD

UNCERTAIN = 0x40000000


@dataclass(frozen=True, slots=True)
class Candidates:
    """Usable samples, ascending; `is_sure` where the status is the one that is stored, else its class alone is."""

    samples: SampleColumns
    is_sure: NDArray[np.bool_]

    def take(self, places: NDArray[np.int64]) -> "Candidates":
        """Only the chosen ones."""
        return Candidates(self.samples.take(places), self.is_sure[places])


@dataclass(frozen=True, slots=True)
class Pieces:
    """Stretches of samples in the order of time: the row of a bucket each, or one sample by itself (`width_us` 0).

    `is_bad` where no sample is usable; `is_mixed` where some are: such a bucket has to be looked into.
    """

    start_us: NDArray[np.int64]
    width_us: NDArray[np.int64]
    firsts: SampleColumns
    lasts: SampleColumns
    is_bad: NDArray[np.bool_]
    is_mixed: NDArray[np.bool_]
    begins_bad: NDArray[np.bool_]
    ends_bad: NDArray[np.bool_]

    def take(self, places: NDArray[np.int64]) -> "Pieces":
        """Only the chosen ones."""
        return Pieces(
            self.start_us[places],
            self.width_us[places],
            self.firsts.take(places),
            self.lasts.take(places),
            self.is_bad[places],
            self.is_mixed[places],
            self.begins_bad[places],
            self.ends_bad[places],
        )


@dataclass(frozen=True, slots=True)
class Unseen:
    """Buckets that have usable samples and others; `after_bad` where the sample before the bucket is not usable."""

    pieces: Pieces
    after_bad: NDArray[np.bool_]

    def take(self, places: NDArray[np.int64]) -> "Unseen":
        """Only the chosen ones."""
        return Unseen(self.pieces.take(places), self.after_bad[places])

    def spread(self, most: int) -> "Unseen":
        """All of them, or of very many some."""
        return self.take(spread_evenly(np.arange(len(self.after_bad), dtype=np.int64), most))

    @property
    def spans(self) -> Spans:
        """Where they lie."""
        return np.stack((self.pieces.start_us, self.pieces.start_us + self.pieces.width_us), axis=1)

    def guessed(self) -> SampleColumns:
        """Samples that are not usable, where nothing finer is kept: the first of a bucket, else its last."""
        at_first = np.flatnonzero(self.pieces.begins_bad & ~self.after_bad)
        at_last = np.flatnonzero(self.pieces.ends_bad & ~(self.pieces.begins_bad & ~self.after_bad))
        return concatenate((self.pieces.firsts.take(at_first), self.pieces.lasts.take(at_last)))


def candidates_of_rows(rows: RollupRows) -> Candidates:
    """The lowest and the highest usable sample of each bucket; `rows` of one series, with both readings."""
    counted, plain = rows.read_as(with_uncertain=True), rows.read_as(with_uncertain=False)
    partials, some = counted.partials, counted.partials["accepted"] > 0
    if not some.all():
        partials = partials[some]
    beside = partials
    if counted is not plain:
        beside = plain.partials[np.searchsorted(plain.buckets_us, counted.buckets_us[some])]
    classes = status_classes(partials["worst_status"])
    is_one_class = (classes == IS_GOOD) | ((classes == IS_UNCERTAIN) & (partials["uncertain"] == partials["total"]))
    is_sure = is_one_class & ~partials["worst_differs"]
    doubtful = np.where(classes == IS_UNCERTAIN, partials["worst_status"], np.uint32(UNCERTAIN))
    found: list[Candidates] = []
    for name in ("low", "high"):
        is_good = (beside["accepted"] > 0) & (beside[f"{name}_at"] == partials[f"{name}_at"])
        known = np.where(is_sure, partials["worst_status"], np.where(is_good, np.uint32(GOOD), doubtful))
        texts = partials[f"{name}_text"]
        samples = _columns(partials[f"{name}_at"], partials[name], known.astype(np.uint32), texts)
        # Digits are those of the lowest of all that are equal as doubles, the time is that of the first of them.
        found.append(Candidates(samples, is_sure & ~has_text(texts)))
    return join_candidates(found)


def candidates_of_samples(samples: SampleColumns) -> Candidates:
    """The usable ones of raw samples."""
    usable = np.flatnonzero(is_usable(samples))
    return Candidates(samples.take(usable), np.ones(len(usable), np.bool_))


def join_candidates(parts: list[Candidates]) -> Candidates:
    """All of them by time, each instant once."""
    samples = concatenate([part.samples for part in parts])
    _, places = np.unique(samples.times_us, return_index=True)
    return Candidates(samples, np.concatenate([part.is_sure for part in parts])).take(places)


def pieces_of_rows(rows: RollupRows, resolution: Resolution) -> Pieces:
    """One piece a bucket; `rows` of one series."""
    counted = rows.read_as(with_uncertain=True)
    partials = counted.partials
    is_bad = partials["accepted"] == 0
    return Pieces(
        counted.buckets_us,
        np.full(len(partials), resolution.width_us, np.int64),
        _columns(*(partials[f"first_{name}"] for name in ("at", "value", "status", "text"))),
        _columns(*(partials[f"last_{name}"] for name in ("at", "value", "status", "text"))),
        is_bad,
        ~is_bad & (partials["accepted"] < partials["total"]),
        is_bad | (partials["first_at"] != partials["front_at"]),
        is_bad | (partials["last_at"] != partials["back_at"]),
    )


def pieces_of_samples(samples: SampleColumns) -> Pieces:
    """One piece a sample."""
    is_bad = ~is_usable(samples)
    nothing = np.zeros(len(samples), np.bool_)
    return Pieces(samples.times_us, np.zeros(len(samples), np.int64), samples, samples, is_bad, nothing, is_bad, is_bad)


def join_pieces(parts: list[Pieces]) -> Pieces:
    """All of them by time."""
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("start_us", "width_us", "is_bad", "is_mixed", "begins_bad", "ends_bad")
    }
    whole = Pieces(
        firsts=concatenate([part.firsts for part in parts]), lasts=concatenate([part.lasts for part in parts]), **arrays
    )
    return whole.take(np.argsort(whole.firsts.times_us, kind="stable"))


def find_holes(pieces: Pieces, inside: Unseen | None = None) -> tuple[SampleColumns, Unseen]:
    """The first samples of runs that are not usable, and the buckets in which more of these may begin.

    `inside`: the pieces lie in these buckets, which need not follow each other.
    """
    after_bad = np.zeros(len(pieces.start_us), np.bool_)
    after_bad[1:] = pieces.ends_bad[:-1]
    if inside is not None:
        bucket = np.searchsorted(inside.pieces.start_us, pieces.firsts.times_us, side="right") - 1
        first = np.flatnonzero(np.diff(bucket, prepend=-1))
        after_bad[first] = inside.after_bad[bucket[first]]
    starts = np.flatnonzero(pieces.is_bad & ~after_bad)
    mixed = np.flatnonzero(pieces.is_mixed)
    return pieces.firsts.take(starts), Unseen(pieces.take(mixed), after_bad[mixed])


def _columns(
    times_us: NDArray[np.int64], values: NDArray[np.float64], statuses: NDArray[np.uint32], texts: NDArray[np.object_]
) -> SampleColumns:
    found: list[str | None] | None = texts.tolist() if has_text(texts).any() else None
    return SampleColumns(times_us.astype(np.int64), values.astype(np.float64), statuses.astype(np.uint32), found)
