"""Which samples of a batch can be stored, and why the others cannot: a mask with reasons (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud_api.ingest.columns import ColumnArrays
from cloud_api.ingest.incoming import OLDEST_US
from cloud_api.ingest.kinds import CODES, CONTRADICTION, JOINED, KINDS, loses_digits
from cloud_api.ingest.results import RejectReason
from cloud_api.ingest.series_map import FOREIGN, INVALID_PATH, TagMap
from cloud_api.storage.rows import SampleRows
from schemas.batch import MAX_TEXT_BYTES
from schemas.sample import Kind, Value

FUTURE_LIMIT_US = 300_000_000

_REASONS = (
    RejectReason.FOREIGN_SERIES,
    RejectReason.PATH_INVALID,
    RejectReason.TIME_IN_FUTURE,
    RejectReason.TIME_TOO_OLD,
    RejectReason.KIND_CONTRADICTION,
    RejectReason.TEXT_TOO_LARGE,
    RejectReason.TEXT_INVALID,
    RejectReason.OLDER_THAN_RETENTION,
)
_CODE = {reason: code for code, reason in enumerate(_REASONS, start=1)}


@dataclass(slots=True)
class Kept:
    """From when on raw samples are kept (None: nothing was ever dropped)."""

    from_us: int | None = None


@dataclass(frozen=True, slots=True)
class RejectedGroup:
    """The samples of one tag that were put aside for one reason."""

    path: str
    reason: RejectReason
    kind: Kind
    times_us: Sequence[int]
    statuses: Sequence[int]
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Screened:
    """The rows to store, in the order of the batch, what is put aside, and series whose kind got wider."""

    rows: tuple[SampleRows, ...]
    rejected: tuple[RejectedGroup, ...]
    widened: dict[int, Kind]


def screen(columns: Sequence[ColumnArrays], tag_map: TagMap, now_us: int, kept: Kept) -> Screened:
    """Sort the samples of a batch into good ones and rejected ones. Widens kinds in the map at once."""
    rows: list[SampleRows] = []
    rejected: list[RejectedGroup] = []
    widened: dict[int, Kind] = {}
    for column in columns:
        codes = _reason_codes(column, tag_map, now_us, kept.from_us)
        if codes.any():
            rejected.extend(_groups(column, codes, tag_map))
        good = codes == 0
        widened.update(_widen(column, good, tag_map))
        part = SampleRows(
            tag_map.series_ids(column.tags), column.times_us, column.statuses, column.values, column.texts
        )
        rows.append(part if good.all() else part.take(good))
    return Screened(tuple(rows), tuple(rejected), widened)


def has_unknown_tag(columns: Sequence[ColumnArrays], tag_count: int) -> bool:
    """Whether an index points outside the dictionary: then nothing in the batch can be trusted."""
    return any(len(column) and (column.tags.min() < 0 or column.tags.max() >= tag_count) for column in columns)


def _reason_codes(column: ColumnArrays, tag_map: TagMap, now_us: int, kept_us: int | None) -> NDArray[np.uint8]:
    codes = _text_codes(column)
    slots = tag_map.slots[column.tags]
    known = slots >= 0
    targets = np.full(len(column), CODES[Kind.NONE], dtype=np.uint8)
    targets[known] = JOINED[tag_map.table.kinds[slots[known]], CODES[column.kind]]
    codes[(targets == CONTRADICTION) | loses_digits(column, targets)] = _CODE[RejectReason.KIND_CONTRADICTION]
    if kept_us is not None:
        codes[column.times_us < kept_us] = _CODE[RejectReason.OLDER_THAN_RETENTION]
    codes[column.times_us < OLDEST_US] = _CODE[RejectReason.TIME_TOO_OLD]
    codes[column.times_us > now_us + FUTURE_LIMIT_US] = _CODE[RejectReason.TIME_IN_FUTURE]
    codes[slots == INVALID_PATH] = _CODE[RejectReason.PATH_INVALID]
    codes[slots == FOREIGN] = _CODE[RejectReason.FOREIGN_SERIES]
    return codes


def _text_codes(column: ColumnArrays) -> NDArray[np.uint8]:
    codes = np.zeros(len(column), dtype=np.uint8)
    if column.kind not in {Kind.STR, Kind.JSON} or column.texts is None:
        return codes
    for index, text in enumerate(column.texts):
        # PostgreSQL's text holds every character but this one.
        if "\0" in text:
            codes[index] = _CODE[RejectReason.TEXT_INVALID]
        elif len(text) * 4 > MAX_TEXT_BYTES and len(text.encode()) > MAX_TEXT_BYTES:
            codes[index] = _CODE[RejectReason.TEXT_TOO_LARGE]
    return codes


def _widen(column: ColumnArrays, good: NDArray[np.bool_], tag_map: TagMap) -> dict[int, Kind]:
    table = tag_map.table
    slots = tag_map.slots[column.tags[good]]
    kinds = table.kinds[slots]
    joined = JOINED[kinds, CODES[column.kind]]
    changed = joined != kinds
    if not changed.any():
        return {}
    codes = dict(zip(slots[changed].tolist(), joined[changed].tolist(), strict=True))
    for slot, code in codes.items():
        table.kinds[slot] = code
    return {int(table.ids[slot]): KINDS[code] for slot, code in codes.items()}


def _groups(column: ColumnArrays, codes: NDArray[np.uint8], tag_map: TagMap) -> list[RejectedGroup]:
    groups: dict[tuple[int, int], list[int]] = {}
    for index in np.flatnonzero(codes).tolist():
        groups.setdefault((int(column.tags[index]), int(codes[index])), []).append(index)
    return [
        RejectedGroup(
            path=tag_map.tags[tag],
            reason=_REASONS[code - 1],
            kind=column.kind,
            times_us=column.times_us[members].tolist(),
            statuses=column.statuses[members].view(np.uint32).tolist(),
            values=[column.value_at(index) for index in members],
        )
        for (tag, code), members in groups.items()
    ]
