"""Stretches of time as int64[n, 2]: half-open, sorted, apart from each other (pure)."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Spans: TypeAlias = NDArray[np.int64]


def make_spans(pairs: Sequence[tuple[int, int]]) -> Spans:
    """Spans of pairs in any order that may overlap; empty ones fall out."""
    kept = sorted(pair for pair in pairs if pair[0] < pair[1])
    joined: list[list[int]] = []
    for from_us, to_us in kept:
        if joined and from_us <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], to_us)
        else:
            joined.append([from_us, to_us])
    return np.array(joined, np.int64).reshape(-1, 2)


def length_us(spans: Spans) -> int:
    """How long all are together."""
    return int((spans[:, 1] - spans[:, 0]).sum())


def contains(spans: Spans, times_us: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which instants lie in one of them."""
    if not len(spans):
        return np.zeros(len(times_us), np.bool_)
    at = np.searchsorted(spans[:, 0], times_us, side="right") - 1
    return (at >= 0) & (times_us < spans[np.maximum(at, 0), 1])


def subtract(spans: Spans, others: Spans) -> Spans:
    """What is in `spans` and not in `others`."""
    points = np.unique(np.concatenate((spans.ravel(), others.ravel())))
    if len(points) < 2:
        return spans[:0]
    kept = contains(spans, points[:-1]) & ~contains(others, points[:-1])
    changes = np.flatnonzero(np.diff(np.concatenate(([False], kept, [False]))))
    return points[changes].reshape(-1, 2)


def clip(spans: Spans, from_us: int, to_us: int) -> Spans:
    """What is in [from_us, to_us)."""
    clipped = np.clip(spans, from_us, max(from_us, to_us))
    return clipped[clipped[:, 0] < clipped[:, 1]]


def whole_buckets(spans: Spans, width_us: int) -> Spans:
    """The buckets that lie in them as a whole."""
    found = np.stack((-(-spans[:, 0] // width_us) * width_us, spans[:, 1] // width_us * width_us), axis=1)
    return found[found[:, 0] < found[:, 1]]


def cut_buckets(edges_us: NDArray[np.int64], width_us: int) -> Spans:
    """The buckets that an edge cuts in two."""
    starts = np.unique(edges_us[edges_us % width_us != 0] // width_us * width_us)
    return np.stack((starts, starts + width_us), axis=1)
