"""Keys of rollup rows sort as series, bucket and reading do."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.storage.rollup_wire import row_keys

MINUTE_US = 60_000_000
ROWS = st.tuples(
    st.integers(1, 2**31 - 1), st.integers(-1_000_000_000, 1_000_000_000).map(lambda n: n * MINUTE_US), st.booleans()
)


@given(st.lists(ROWS, min_size=1))
def test_keys_order_rows_and_are_told_apart(rows: list[tuple[int, int, bool]]) -> None:
    series, buckets, readings = zip(*rows, strict=True)
    keys = row_keys(np.array(series, np.int32), np.array(buckets, np.int64), np.array(readings, np.bool_)).tolist()
    assert [rows[place] for place in sorted(range(len(rows)), key=keys.__getitem__)] == sorted(rows)
    assert len(set(keys)) == len(set(rows))
