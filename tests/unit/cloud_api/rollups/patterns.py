"""Samples of every kind of trouble: gaps, qualities, repeats, values beside 1e9, falls of counters, whole digits."""

import numpy as np
from hypothesis import strategies as st

from cloud_api.rollups.partials import SampleBlock
from schemas.status import BAD, GOOD, UNCERTAIN

S = 1_000_000
TROUBLE = [0x002F0000, UNCERTAIN, 0x40900000, BAD, 0x80310000, None]
OFFSETS = [0.0, 0.0, 1e9, -1e9]


@st.composite
def blocks(draw: st.DrawFn, span_s: int = 120, most: int = 40) -> SampleBlock:
    """One series' samples in [0, span_s), at whole and at odd instants."""
    seconds = draw(st.sets(st.integers(0, span_s * 4 - 1), max_size=most))
    times = np.array(sorted(second * S // 4 for second in seconds), np.int64)
    offset = draw(st.sampled_from(OFFSETS))
    step = draw(st.sampled_from([0.01, 1.0, 1.0 / 3]))
    count = len(times)
    steps = draw(st.lists(st.integers(-9, 9), min_size=count, max_size=count))
    values = offset + step * np.array(steps, np.float64)
    statuses = np.full(count, GOOD, np.uint32)
    # A single troubled sample must not hide behind others, so that mostly there are few.
    most_trouble = draw(st.sampled_from([0, 1, 2, count]))
    for index in draw(st.lists(st.integers(0, max(count - 1, 0)), max_size=most_trouble if count else 0)):
        kind = draw(st.sampled_from(TROUBLE))
        if kind is None:
            values[index] = np.nan
        else:
            statuses[index] = kind
    return SampleBlock(times, values, statuses)


def close(left: object, right: object, scale: float = 1.0) -> bool:
    """Equal to 1e-9, relative to the result or to what it was made of."""
    return bool(np.allclose(left, right, rtol=1e-9, atol=1e-9 * scale, equal_nan=True))
