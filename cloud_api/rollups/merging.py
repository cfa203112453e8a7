"""Partials of buckets that follow each other become those of a longer one; merging is associative (pure numpy)."""

from dataclasses import dataclass
from itertools import chain

import numpy as np

from cloud_api.rollups.partials import (
    IS_BAD,
    IS_GOOD,
    MAX_FALLS,
    Classes,
    Flags,
    Floats,
    Integers,
    Partials,
    no_partials,
    starts_of,
    status_classes,
)
from cloud_api.rollups.rolling import add_falls, fill_digits


@dataclass(frozen=True, slots=True)
class _Runs:
    """Rows by the run they go into: `starts` and `ends` are places, `run` counts from 0."""

    at: Integers
    run: Integers
    starts: Integers

    @property
    def ends(self) -> Integers:
        """The last place of each run."""
        return np.append(self.starts[1:], len(self.at)) - 1

    @property
    def ids(self) -> Integers:
        """The number of each run that has rows."""
        return self.run[self.starts]


def merge(rows: Partials, group: Integers, *, is_counted: bool = False) -> Partials:
    """Merge rows of equal numbers in `group`; rows are of one reading and one series a group, in the order of time.

    Rows without samples must not be among them. `is_counted`: counts, means and extremes are enough.
    """
    starts = starts_of(group)
    run = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(rows))))
    every = _Runs(np.arange(len(rows)), run, starts)
    merged = no_partials(len(starts))
    if not len(rows):
        return merged
    _merge_ends(merged, rows, every)
    kept = np.flatnonzero(rows["accepted"] > 0)
    accepted = _Runs(kept, run[kept], starts_of(run[kept]))
    if len(kept):
        _merge_accepted(merged, rows, accepted)
        _merge_extremes(merged, rows, accepted)
    if len(kept) and not is_counted:
        _merge_regions(merged, rows, every)
        _merge_spans(merged, rows, accepted)
        _merge_steps(merged, rows, accepted)
    return merged


def _merge_ends(merged: Partials, rows: Partials, every: _Runs) -> None:
    for name in ("at", "value", "status", "text"):
        merged[f"first_{name}"] = rows[f"first_{name}"][every.starts]
        merged[f"last_{name}"] = rows[f"last_{name}"][every.ends]
    for name in ("total", "accepted", "uncertain"):
        merged[name] = np.add.reduceat(rows[name], every.starts)
    for name in ("low_text", "high_text", "falls"):
        merged[name] = None
    classes = status_classes(rows["worst_status"])
    worst = np.maximum.reduceat(classes, every.starts)
    hits = np.flatnonzero(classes == worst[every.run])
    merged["worst_status"] = rows["worst_status"][hits[starts_of(every.run[hits])]]
    differs = rows["worst_differs"][hits] | (rows["worst_status"][hits] != merged["worst_status"][every.run[hits]])
    merged["worst_differs"][every.run[hits[differs]]] = True


def _merge_accepted(merged: Partials, rows: Partials, accepted: _Runs) -> None:
    """Ends, and mean and squares by Chan's formula for many parts, around the first value of all."""
    ids, at = accepted.ids, accepted.at
    firsts, lasts = at[accepted.starts], at[accepted.ends]
    for name in ("at", "value", "status"):
        merged[f"front_{name}"][ids] = rows[f"front_{name}"][firsts]
        merged[f"back_{name}"][ids] = rows[f"back_{name}"][lasts]
    alone = rows["accepted"][lasts] == 1
    before = at[np.maximum(accepted.ends - 1, 0)]
    has_previous = ~alone | (accepted.ends > accepted.starts)
    for name in ("at", "value"):
        found = np.where(alone, rows[f"back_{name}"][before], rows[f"previous_{name}"][lasts])
        merged[f"previous_{name}"][ids[has_previous]] = found[has_previous]
    counts = rows["accepted"][at].astype(np.float64)
    shift = rows["front_value"][at] - merged["front_value"][accepted.run]
    means = rows["mean_offset"][at] + shift
    mean = np.add.reduceat(counts * means, accepted.starts) / np.add.reduceat(counts, accepted.starts)
    numbers = np.repeat(np.arange(len(ids)), np.diff(np.append(accepted.starts, len(at))))
    squares = rows["m2"][at] + counts * (means - mean[numbers]) ** 2
    merged["mean_offset"][ids] = mean
    merged["m2"][ids] = np.add.reduceat(squares, accepted.starts)


def _merge_extremes(merged: Partials, rows: Partials, accepted: _Runs) -> None:
    for name, pick in (("low", np.minimum), ("high", np.maximum)):
        values = rows[name][accepted.at]
        merged[name][accepted.ids] = pick.reduceat(values, accepted.starts)
        hits = np.flatnonzero(values == merged[name][accepted.run])
        run, places = accepted.run[hits], accepted.at[hits]
        firsts = starts_of(run)
        merged[f"{name}_at"][run[firsts]] = rows[f"{name}_at"][places[firsts]]
        several = np.diff(np.append(firsts, len(hits))) > 1
        merged[f"{name}_repeated"][run[firsts]] = several | np.logical_or.reduceat(
            rows[f"{name}_repeated"][places], firsts
        )
        fill_digits(merged, name, (run, values[hits], rows[f"{name}_text"][places]))


@dataclass(frozen=True, slots=True)
class _Joints:
    """What lies between neighbouring rows of one run: from the last sample of one to the first of the next."""

    run: Integers
    length_us: Integers
    start: Floats
    end: Floats
    start_class: Classes
    end_class: Classes


def _joints(merged: Partials, rows: Partials, every: _Runs) -> _Joints:
    left = np.flatnonzero(every.run[1:] == every.run[:-1])
    right = left + 1
    origin = merged["front_value"][every.run[left]]
    # Column by column: to copy whole rows, 400 bytes each, took most of the time of merging.
    return _Joints(
        every.run[left],
        rows["first_at"][right] - rows["last_at"][left],
        rows["back_value"][left] - origin,
        rows["front_value"][right] - origin,
        end_class(rows, is_last=True)[left],
        end_class(rows, is_last=False)[right],
    )


def end_class(rows: Partials, *, is_last: bool) -> Classes:
    """The class of a row's first or last sample in this reading: it is accepted if it is the accepted end too."""
    outer, inner = ("last", "back") if is_last else ("first", "front")
    is_accepted = (rows["accepted"] > 0) & (rows[f"{outer}_at"] == rows[f"{inner}_at"])
    return np.where(is_accepted, status_classes(rows[f"{outer}_status"]), IS_BAD).astype(np.int8)


def _merge_regions(merged: Partials, rows: Partials, every: _Runs) -> None:
    joints = _joints(merged, rows, every)
    size = len(merged)
    held = joints.start_class != IS_BAD
    is_good = joints.start_class == IS_GOOD
    origin = merged["front_value"][every.run]
    is_zero = held & (joints.start + merged["front_value"][joints.run] == 0)
    for name, which in (
        ("held_us", held),
        ("held_good_us", is_good),
        ("zero_us", is_zero),
        ("good_us", is_good & (joints.end_class == IS_GOOD)),
    ):
        merged[name] = np.add.reduceat(rows[name], every.starts) + _whole(joints.run, joints.length_us, which, size)
    seconds = np.where(held, joints.length_us, 0) / 1e6
    end = np.where(joints.end_class == IS_BAD, joints.start, joints.end)
    shift = np.where(rows["accepted"] > 0, rows["front_value"] - origin, 0.0) * (rows["held_us"] / 1e6)
    for name, middle in (("step_area", joints.start), ("line_area", joints.start / 2 + end / 2)):
        inside = np.add.reduceat(rows[name] + shift, every.starts)
        merged[name] = inside + np.bincount(joints.run, np.where(held, middle * seconds, 0.0), size)


def _whole(run: Integers, length_us: Integers, which: Flags, size: int) -> Integers:
    """Sum lengths; whole microseconds are exact in a double up to 285 years."""
    return np.bincount(run[which], length_us[which], size).astype(np.int64)


def _merge_spans(merged: Partials, rows: Partials, accepted: _Runs) -> None:
    at, run = accepted.at, accepted.run
    size = len(merged)
    left = np.flatnonzero(run[1:] == run[:-1])
    before, after = at[left], at[left + 1]
    joint_run = run[left]
    seconds = (rows["front_at"][after] - rows["back_at"][before]) / 1e6
    origin = merged["front_value"]
    start, end = rows["back_value"][before] - origin[joint_run], rows["front_value"][after] - origin[joint_run]
    own_seconds = (rows["back_at"][at] - rows["front_at"][at]) / 1e6
    shift = (rows["front_value"][at] - origin[run]) * own_seconds
    for name, middle in (("span_step_area", start), ("span_line_area", start / 2 + end / 2)):
        merged[name] = np.bincount(run, rows[name][at] + shift, size) + np.bincount(joint_run, middle * seconds, size)
    gap = (rows["back_at"][before] != rows["last_at"][before]) | (rows["front_at"][after] != rows["first_at"][after])
    gap |= after - before > 1
    merged["skips"][run[rows["skips"][at]]] = True
    merged["skips"][joint_run[gap]] = True


def _merge_steps(merged: Partials, rows: Partials, accepted: _Runs) -> None:
    at, run = accepted.at, accepted.run
    size = len(merged)
    left = np.flatnonzero(run[1:] == run[:-1])
    before, after = rows["back_value"][at[left]], rows["front_value"][at[left + 1]]
    steps, joint_run = after - before, run[left]
    changed = np.bincount(joint_run, steps != 0, size).astype(np.int64)
    merged["transitions"] = np.bincount(run, rows["transitions"][at], size).astype(np.int64) + changed
    merged["rise"] = np.bincount(run, rows["rise"][at], size) + np.bincount(joint_run, np.maximum(steps, 0.0), size)
    _merge_falls(merged, rows, accepted)
    fell = np.flatnonzero(steps < 0)
    add_falls(merged, joint_run[fell], before[fell], after[fell])


def _merge_falls(merged: Partials, rows: Partials, accepted: _Runs) -> None:
    fell = accepted.at[rows["fall_count"][accepted.at] > 0]
    if not len(fell):
        return
    run = accepted.run[rows["fall_count"][accepted.at] > 0]
    starts = starts_of(run)
    ids = run[starts]
    for name in ("fall_count", "fall_sum", "fall_later"):
        merged[name][ids] = np.add.reduceat(rows[name][fell], starts)
    merged["fall_least"][ids] = np.minimum.reduceat(rows["fall_least"][fell], starts)
    merged["fall_most"][ids] = np.maximum.reduceat(rows["fall_most"][fell], starts)
    ends = np.append(starts[1:], len(fell))
    few = merged["fall_count"][ids] <= MAX_FALLS
    for index, start, end in zip(ids[few].tolist(), starts[few].tolist(), ends[few].tolist(), strict=True):
        merged["falls"][index] = tuple(chain.from_iterable(rows["falls"][fell[start:end]].tolist()))
