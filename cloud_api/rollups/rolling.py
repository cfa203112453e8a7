"""From samples to the partials of their buckets, many series in one go (pure numpy)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cloud_api.rollups.partials import (
    IS_BAD,
    IS_GOOD,
    IS_UNCERTAIN,
    MAX_FALLS,
    Classes,
    Floats,
    Integers,
    Partials,
    SampleBlock,
    Texts,
    classify,
    no_partials,
    starts_of,
    status_classes,
)
from cloud_api.storage.rows import has_text


@dataclass(frozen=True, slots=True)
class _Accepted:
    """The accepted samples: their places, and the run of them that each bucket has."""

    at: Integers
    run: Integers
    starts: Integers
    # The bucket of each run, and of each accepted sample.
    rows: Integers
    row: Integers

    @property
    def ends(self) -> Integers:
        """Where the last sample of each run is."""
        return np.append(self.starts[1:], len(self.at)) - 1


def from_samples(block: SampleBlock, group: Integers, *, with_uncertain: bool = False) -> Partials:
    """Make one row of partials for each run of equal numbers in `group`, which must ascend as the samples do."""
    starts = starts_of(group)
    rows = no_partials(len(starts))
    if not len(starts):
        return rows
    run = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(block))))
    classes = classify(block, with_uncertain=with_uncertain)
    _fill_ends(rows, block, starts)
    _fill_worst(rows, block, starts, run)
    at = np.flatnonzero(classes != IS_BAD).astype(np.int64)
    row = run[at]
    own_starts = starts_of(row)
    accepted = _Accepted(
        at,
        np.repeat(np.arange(len(own_starts)), np.diff(np.append(own_starts, len(at)))),
        own_starts,
        row[own_starts],
        row,
    )
    if len(at):
        values = np.where(classes == IS_BAD, 0.0, np.nan_to_num(block.values, nan=0.0))
        _fill_accepted(rows, block, values, accepted)
        rows["uncertain"] = np.add.reduceat(classes == IS_UNCERTAIN, starts, dtype=np.int64)
        _fill_extremes(rows, block, values, accepted)
        _fill_regions(rows, block, (values, classes), (starts, run))
        _fill_spans(rows, block, values, accepted)
        _fill_steps(rows, values, accepted)
    return rows


def _fill_ends(rows: Partials, block: SampleBlock, starts: Integers) -> None:
    ends = np.append(starts[1:], len(block)) - 1
    rows["total"] = ends - starts + 1
    for name, at in (("first", starts), ("last", ends)):
        rows[f"{name}_at"] = block.times_us[at]
        rows[f"{name}_value"] = block.values[at]
        rows[f"{name}_status"] = block.statuses[at]
        rows[f"{name}_text"] = None if block.texts is None else block.texts[at]
    rows["low_text"] = None
    rows["high_text"] = None
    rows["falls"] = None


def _fill_worst(rows: Partials, block: SampleBlock, starts: Integers, run: Integers) -> None:
    rows["worst_status"] = rows["first_status"]
    if (block.statuses == block.statuses[0]).all():
        return
    classes = status_classes(block.statuses)
    worst = np.maximum.reduceat(classes, starts)
    hits = np.flatnonzero(classes == worst[run])
    first = hits[starts_of(run[hits])]
    rows["worst_status"] = block.statuses[first]
    differs = block.statuses[hits] != rows["worst_status"][run[hits]]
    rows["worst_differs"][run[hits[differs]]] = True


def _fill_accepted(rows: Partials, block: SampleBlock, values: Floats, accepted: _Accepted) -> None:
    """Ends of the accepted samples, mean and squares in two passes around the first value of each bucket."""
    ids, at = accepted.rows, accepted.at
    counts = np.diff(np.append(accepted.starts, len(at)))
    front, back = at[accepted.starts], at[accepted.ends]
    rows["accepted"][ids] = counts
    for name, index in (("front", front), ("back", back)):
        rows[f"{name}_at"][ids] = block.times_us[index]
        rows[f"{name}_value"][ids] = values[index]
        rows[f"{name}_status"][ids] = block.statuses[index]
    several = counts > 1
    previous = at[accepted.ends[several] - 1]
    rows["previous_at"][ids[several]] = block.times_us[previous]
    rows["previous_value"][ids[several]] = values[previous]
    shifted = values[at] - values[front][accepted.run]
    means = np.add.reduceat(shifted, accepted.starts) / counts
    rows["mean_offset"][ids] = means
    rows["m2"][ids] = np.add.reduceat((shifted - means[accepted.run]) ** 2, accepted.starts)


def _fill_extremes(rows: Partials, block: SampleBlock, values: Floats, accepted: _Accepted) -> None:
    taken = values[accepted.at]
    for name, extreme in (
        ("low", np.minimum.reduceat(taken, accepted.starts)),
        ("high", np.maximum.reduceat(taken, accepted.starts)),
    ):
        hits = np.flatnonzero(taken == extreme[accepted.run])
        firsts = starts_of(accepted.run[hits])
        rows[name][accepted.rows] = extreme
        rows[f"{name}_at"][accepted.rows] = block.times_us[accepted.at[hits[firsts]]]
        rows[f"{name}_repeated"][accepted.rows] = np.diff(np.append(firsts, len(hits))) > 1
        if block.texts is not None:
            found = accepted.at[hits]
            fill_digits(rows, name, (accepted.row[hits], values[found], _digits(block, found)))


def _digits(block: SampleBlock, at: Integers) -> Texts:
    """The exact digits of 64-bit integers; texts of other kinds are no numbers."""
    texts = np.full(len(at), None, np.object_) if block.texts is None else block.texts[at].copy()
    if block.is_text is not None:
        texts[block.is_text[at]] = None
    return texts


def fill_digits(rows: Partials, name: str, found: tuple[Integers, Floats, Texts]) -> None:
    """Of candidates that are equal as doubles keep the digits of the lowest or highest."""
    row, values, texts = found
    has_digits = has_text(texts)
    if not has_digits.any():
        return
    chosen = np.isin(row, row[has_digits])
    best: dict[int, int] = {}
    for index, value, text in zip(row[chosen].tolist(), values[chosen].tolist(), texts[chosen].tolist(), strict=True):
        number = int(value if text is None else text)
        known = best.get(index)
        if known is None or (number < known if name == "low" else number > known):
            best[index] = number
    for index, number in best.items():
        rows[f"{name}_text"][index] = str(number)


def _fill_regions(
    rows: Partials, block: SampleBlock, read: tuple[Floats, Classes], runs: tuple[Integers, Integers]
) -> None:
    """Simple regions (Part 13, 5.4.3.2) between neighbours of any status inside one bucket."""
    values, classes = read
    starts, run = runs
    length = np.zeros(len(block), np.int64)
    same = run[1:] == run[:-1]
    length[:-1] = np.where(same, np.diff(block.times_us), 0)
    held = np.where(classes != IS_BAD, length, 0)
    next_class = np.full(len(block), IS_BAD, np.int8)
    next_class[:-1] = classes[1:]
    rows["held_us"] = np.add.reduceat(held, starts)
    is_good = classes == IS_GOOD
    rows["held_good_us"] = np.add.reduceat(np.where(is_good, length, 0), starts)
    rows["zero_us"] = np.add.reduceat(np.where(values == 0, held, 0), starts)
    rows["good_us"] = np.add.reduceat(np.where(is_good & (next_class == IS_GOOD), length, 0), starts)
    above = values - rows["front_value"][run]
    end = above.copy()
    end[:-1] = np.where(next_class[:-1] == IS_BAD, above[:-1], above[1:])
    seconds = held / 1e6
    rows["step_area"] = np.add.reduceat(above * seconds, starts)
    rows["line_area"] = np.add.reduceat((above / 2 + end / 2) * seconds, starts)


def _fill_spans(rows: Partials, block: SampleBlock, values: Floats, accepted: _Accepted) -> None:
    """Interpolated regions between accepted samples: a line or a held value over whatever lies between them."""
    at, run = accepted.at, accepted.run
    if len(at) == len(block):
        # Nothing is skipped: the same regions as the simple ones.
        rows["span_step_area"], rows["span_line_area"] = rows["step_area"], rows["line_area"]
        return
    above = values[at] - values[at[accepted.starts]][run]
    seconds, end = np.zeros(len(at)), above.copy()
    same = run[1:] == run[:-1]
    seconds[:-1] = np.where(same, np.diff(block.times_us[at]), 0) / 1e6
    end[:-1] = above[1:]
    rows["span_step_area"][accepted.rows] = np.add.reduceat(above * seconds, accepted.starts)
    rows["span_line_area"][accepted.rows] = np.add.reduceat((above / 2 + end / 2) * seconds, accepted.starts)
    gaps = np.zeros(len(at), np.bool_)
    gaps[:-1] = same & (np.diff(at) > 1)
    rows["skips"][accepted.rows] = np.logical_or.reduceat(gaps, accepted.starts)


def _fill_steps(rows: Partials, values: Floats, accepted: _Accepted) -> None:
    taken = values[accepted.at]
    same = accepted.run[1:] == accepted.run[:-1]
    steps = np.zeros(len(taken))
    steps[1:] = np.where(same, np.diff(taken), 0.0)
    rows["transitions"][accepted.rows] = np.add.reduceat(steps != 0, accepted.starts, dtype=np.int64)
    rows["rise"][accepted.rows] = np.add.reduceat(np.maximum(steps, 0.0), accepted.starts)
    later = np.flatnonzero(steps < 0)
    add_falls(rows, accepted.row[later], taken[later - 1], taken[later])


def add_falls(rows: Partials, row: Integers, before: Floats, after: Floats) -> None:
    """Book falls of a counter; `row` ascends. A few are kept as pairs, whose order does not matter."""
    if not len(row):
        return
    starts = starts_of(row)
    ids, steps = row[starts], after - before
    fresh = rows["fall_count"][ids] == 0
    counts = np.diff(np.append(starts, len(row)))
    least, most = np.minimum.reduceat(steps, starts), np.maximum.reduceat(steps, starts)
    rows["fall_least"][ids] = np.where(fresh, least, np.minimum(rows["fall_least"][ids], least))
    rows["fall_most"][ids] = np.where(fresh, most, np.maximum(rows["fall_most"][ids], most))
    rows["fall_count"][ids] += counts
    rows["fall_sum"][ids] += np.add.reduceat(steps, starts)
    rows["fall_later"][ids] += np.add.reduceat(after, starts)
    counted = rows["fall_count"][ids]
    rows["falls"][ids[counted > MAX_FALLS]] = None
    few = counted <= MAX_FALLS
    pairs = np.stack((before, after), axis=1)
    for index, start, count in zip(ids[few].tolist(), starts[few].tolist(), counts[few].tolist(), strict=True):
        known: Any = rows["falls"][index]
        new = tuple(pairs[start : start + count].ravel().tolist())
        rows["falls"][index] = new if known is None else (*known, *new)
