"""How the kind of a series and the kind of a column agree: which widen, which contradict, which values lose digits."""

import numpy as np
from numpy.typing import NDArray

from cloud_api.ingest.columns import EXACT_INTEGER, ColumnArrays
from cloud_api.storage.rows import has_text
from schemas.sample import Kind

KINDS = tuple(Kind)
CODES = {kind: code for code, kind in enumerate(KINDS)}
CONTRADICTION = 255

_NUMBERS = (Kind.BOOL, Kind.I64, Kind.U64, Kind.F32, Kind.F64)


def joined_kind(series: Kind, column: Kind) -> Kind | None:
    """The kind that holds both, or None where an engineer must decide."""
    if column in {series, Kind.NONE}:
        return series
    if series is Kind.NONE:
        return column
    return _joined_numbers(series, column) if series in _NUMBERS and column in _NUMBERS else None


def _joined_numbers(series: Kind, column: Kind) -> Kind:
    if Kind.BOOL in {series, column}:
        return column if series is Kind.BOOL else series
    # Between signed and unsigned the series keeps its kind; single values that it cannot hold are put aside.
    return series if {series, column} == {Kind.I64, Kind.U64} else Kind.F64


def _table() -> NDArray[np.uint8]:
    table = np.full((len(KINDS), len(KINDS)), CONTRADICTION, dtype=np.uint8)
    for series in KINDS:
        for column in KINDS:
            joined = joined_kind(series, column)
            if joined is not None:
                table[CODES[series], CODES[column]] = CODES[joined]
    return table


# JOINED[series kind code, column kind code] is the code of the kind that holds both.
JOINED = _table()


def loses_digits(column: ColumnArrays, target_codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which samples a series of the target kind cannot hold exactly."""
    lost = np.zeros(len(column), dtype=np.bool_)
    if column.kind not in {Kind.I64, Kind.U64}:
        return lost
    if column.texts is not None:
        is_long = has_text(column.texts)
        is_float = (target_codes == CODES[Kind.F64]) | (target_codes == CODES[Kind.F32])
        lost |= is_long & is_float
    if column.kind is Kind.I64:
        return lost | ((column.values < 0) & (target_codes == CODES[Kind.U64]))
    for index in np.flatnonzero((column.values > EXACT_INTEGER) & (target_codes == CODES[Kind.I64])).tolist():
        value = column.value_at(index)
        lost[index] = isinstance(value, int) and value > 2**63 - 1
    return lost
